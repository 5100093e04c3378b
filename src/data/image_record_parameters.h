// The parameters of ImageRecordIter and its kin.
#pragma once
#include "data/image_augment.h"
#include "data/memory_batches.h"

namespace gemel::data {

struct ImageRecordParameters : Parameters, AugmentParameters, NormalizeParameters {
  std::string path_imglist, path_imgrec, path_imgidx, aug_seq, ctx, on_damage;
  int label_width, preprocess_threads, num_parts, part_index, device_id, shuffle_chunk_seed, seed;
  int64_t shuffle_chunk_size, prefetch_buffer, batch_size;
  bool verbose, shuffle, round_batch;
  std::optional<int> seed_aug;
  Shape data_shape;
  DType dtype;

  static void declare(Fields<ImageRecordParameters>& f);
};

}  // namespace gemel::data
