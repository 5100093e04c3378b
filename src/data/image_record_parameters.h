// The parameters of ImageRecordIter and its kin.
#pragma once
#include "data/image_augment.h"
#include "data/memory_batches.h"
#include "data/record_source_parameters.h"

namespace gemel::data {

struct ImageRecordParameters : Parameters,
                               RecordSourceParameters,
                               AugmentParameters,
                               NormalizeParameters {
  std::string path_imgidx;
  int label_width, device_id;
  std::optional<int> seed_aug;

  static void declare(Fields<ImageRecordParameters>& f);
};

}  // namespace gemel::data
