// Batches of samples that are all in memory.
#pragma once
#include "data/iterator.h"

namespace gemel::data {

// Samples along axis 0 of both arrays, which nobody else writes.
struct Samples {
  NDArray data, label;
  std::vector<uint64_t> index;  // number of each sample; empty: batches have zeros
};

// What happens to the samples at the end that fill no batch.
enum class LastBatch {
  discard,
  round,  // filled up from the start; the next epoch begins after what was taken
  keep    // filled up with what the batch before held there
};

class MemoryBatches final : public Iterator {
 public:
  MemoryBatches(Samples samples, int64_t batch_size, LastBatch last);
  void reset() override;
  bool next(Batch& batch) override;
  std::vector<Description> data_description() const override;
  std::vector<Description> label_description() const override;
  std::vector<int64_t> position() const override { return {cursor_, next_start_}; }
  void set_position(const std::vector<int64_t>& position) override;

 private:
  NDArray gather(const NDArray& from) const;

  Samples samples_;
  int64_t size_, batch_size_;
  LastBatch last_;
  int64_t cursor_ = 0, next_start_ = 0;
  std::vector<int64_t> rows_;  // of the current batch
};

// `array` with elements of another type; unchanged where the type is `none` or the same.
NDArray converted(const NDArray& array, DType dtype);

// The types that an iterator can give, by their names; "None" means no change.
std::vector<std::pair<std::string, DType>> output_types();

// The parameters that every kind of iterator ends with in 1.9.1.
struct CommonParameters : Parameters {
  int64_t prefetch_buffer = 4;
  std::string ctx;
  DType dtype = DType::none;
};

// Where batches go, and as what.
template <typename P>
void declare_output(Fields<P>& f, const char* usual_type) {
  f.choice("ctx", static_cast<std::string P::*>(&P::ctx), {{"cpu", "cpu"}, {"gpu", "gpu"}})
      .fallback("gpu")
      .doc("Has no effect: batches are in the memory of the host.");
  f.choice("dtype", static_cast<DType P::*>(&P::dtype), output_types())
      .fallback("None")
      .doc(std::string("Element type of the data; None for ") + usual_type + ".");
}

template <typename P>
void declare_common(Fields<P>& f) {
  f.field("prefetch_buffer", static_cast<int64_t P::*>(&P::prefetch_buffer))
      .fallback("4")
      .doc("Has no effect: the samples are in memory.")
      .type = "long (non-negative)";
  declare_output(f, "the type that it is read as");
}

}  // namespace gemel::data
