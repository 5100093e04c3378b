#include "data/memory_batches.h"

#include <algorithm>
#include <cstring>

#include "array/convert.h"

namespace gemel::data {
namespace {

Shape batch_shape(const NDArray& samples, int64_t batch_size) {
  Shape shape = samples.shape();
  shape[0] = batch_size;
  return shape;
}

}  // namespace

MemoryBatches::MemoryBatches(Samples samples, int64_t batch_size, LastBatch last)
    : samples_(std::move(samples)),
      size_(samples_.data.shape()[0]),
      batch_size_(batch_size),
      last_(last) {
  GEMEL_ASSERT(samples_.label.shape()[0] == size_);
  GEMEL_CHECK(batch_size > 0, "[data iterator] expected a batch_size above 0, got {}", batch_size);
}

void MemoryBatches::reset() {
  cursor_ = last_ == LastBatch::round ? next_start_ : 0;
  next_start_ = 0;
}

void MemoryBatches::set_position(const std::vector<int64_t>& position) {
  GEMEL_CHECK(position.size() == 2 && position[0] >= 0 && position[1] >= 0 && position[1] < size_,
              "[data iterator] expected a state that state_dict() of such an iterator gave");
  cursor_ = position[0];
  next_start_ = position[1];
}

bool MemoryBatches::next(Batch& batch) {
  const int64_t left = size_ - cursor_;
  if (left <= 0 || (last_ == LastBatch::discard && left < batch_size_)) return false;
  rows_.resize(batch_size_);
  for (int64_t i = 0; i < batch_size_; ++i) {
    if (i < left)
      rows_[i] = cursor_ + i;
    else if (last_ == LastBatch::round || cursor_ == 0)
      rows_[i] = (i - left) % size_;  // keep: there is no batch before
  }
  batch.pad = std::max<int64_t>(0, batch_size_ - left);
  cursor_ += batch_size_;
  if (batch.pad > 0) next_start_ = batch.pad % size_;
  batch.data = {gather(samples_.data)};
  batch.label = {gather(samples_.label)};
  batch.index.assign(batch_size_, 0);
  if (!samples_.index.empty())
    for (int64_t i = 0; i < batch_size_; ++i) batch.index[i] = samples_.index[rows_[i]];
  return true;
}

NDArray MemoryBatches::gather(const NDArray& from) const {
  NDArray to(batch_shape(from, batch_size_), from.dtype());
  const int64_t bytes = from.bytes() / size_;
  for (int64_t i = 0; i < batch_size_; ++i)
    std::memcpy(to.data<std::byte>() + i * bytes, from.data<std::byte>() + rows_[i] * bytes, bytes);
  return to;
}

std::vector<Description> MemoryBatches::data_description() const {
  return {{"data", batch_shape(samples_.data, batch_size_), samples_.data.dtype()}};
}

std::vector<Description> MemoryBatches::label_description() const {
  return {{"softmax_label", batch_shape(samples_.label, batch_size_), samples_.label.dtype()}};
}

NDArray converted(const NDArray& array, DType dtype) {
  if (dtype == DType::none || dtype == array.dtype()) return array;
  NDArray result(array.shape(), dtype);
  convert(array.tensor(), result.tensor());
  return result;
}

std::vector<std::pair<std::string, DType>> output_types() {
  std::vector<std::pair<std::string, DType>> types{{"None", DType::none}};
  for (DType type : {DType::bfloat16, DType::float16, DType::float32, DType::float64, DType::int32,
                     DType::int64, DType::int8, DType::uint8})
    types.emplace_back(std::string(name_of(type)), type);
  return types;
}

}  // namespace gemel::data
