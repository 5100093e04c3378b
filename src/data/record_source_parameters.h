// The parameters that all iterators over records of images have: the source and the batches.
#pragma once
#include <string>

#include "data/memory_batches.h"
#include "op/parameters.h"

namespace gemel::data {

struct RecordSourceParameters {
  std::string path_imglist, path_imgrec, aug_seq, ctx, on_damage;
  int preprocess_threads, num_parts, part_index, shuffle_chunk_seed, seed;
  int64_t shuffle_chunk_size, prefetch_buffer, batch_size;
  bool verbose, shuffle, round_batch;
  Shape data_shape;
  DType dtype;
};

// Declares fields of P, which is made of RecordSourceParameters among others. The groups stand in
// the order of 1.9.1, between what each iterator has besides.
template <typename P>
struct DeclareRecordFields {
  Fields<P>& f;

  // Members of P and of what it is made of; without a default the parameter is required.
  template <typename T, typename Owner>
  Field& operator()(const char* name, T Owner::*member, const char* fallback, const char* doc) {
    Field& field = f.field(name, static_cast<T P::*>(member)).doc(doc);
    if (fallback) field.fallback(fallback);
    return field;
  }

  void files(const char* default_path_imgrec) {
    (*this)("path_imglist", &P::path_imglist, "",
            "A .lst file whose labels replace those of the records, by the records' numbers.");
    (*this)("path_imgrec", &P::path_imgrec, default_path_imgrec,
            "The .rec file; several with ';' between them, or a folder of such files.");
  }

  void parts() {
    auto& d = *this;
    d("data_shape", &P::data_shape, nullptr, "Channels (1 or 3), height and width of the result.");
    d("preprocess_threads", &P::preprocess_threads, "4",
      "Images that are worked on at once, at most the engine's compute workers.")
        .range(1, 1 << 20);
    d("verbose", &P::verbose, "1", "Log what is read.");
    d("num_parts", &P::num_parts, "1", "Parts that share the records.").range(1, 1 << 30);
    d("part_index", &P::part_index, "0", "The part to read.").range(0, 1 << 30);
  }

  void chunks() {
    auto& d = *this;
    d("shuffle_chunk_size", &P::shuffle_chunk_size, "0",
      "Has no effect: all records of the part are shuffled.")
        .type = "long (non-negative)";
    d("shuffle_chunk_seed", &P::shuffle_chunk_seed, "0", "Added to the seed of the order.");
  }

  void batches() {
    auto& d = *this;
    d("shuffle", &P::shuffle, "0", "Draw an order for every epoch.");
    d("seed", &P::seed, "0", "Seed of the order and of the random changes.");
    d("batch_size", &P::batch_size, nullptr, "Images in a batch.").range(1, 1 << 30).type =
        "int (non-negative)";
    d("round_batch", &P::round_batch, "1",
      "Fill the last batch up from the next epoch, which then begins after what was taken.");
    d("prefetch_buffer", &P::prefetch_buffer, "4", "Batches that are made ahead.")
        .range(0, 1 << 16)
        .type = "long (non-negative)";
    declare_output(f, "float32");
  }
};

}  // namespace gemel::data
