#include "array/ndarray.h"

#include <cstring>

namespace gemel {
namespace {
constexpr int64_t inline_copy_below = int64_t{64} << 10;

// Bytes from one index of axis 0 to the next.
int64_t row_bytes(const NDArray& array) {
  return array.shape().size(1, array.shape().ndim()) * size_of(array.dtype());
}
}  // namespace

int64_t NDArray::checked_bytes(const Shape& shape, DType dtype) {
  GEMEL_CHECK(shape.known(), "[ndarray] expected a known shape, got {}", shape);
  GEMEL_CHECK(dtype != DType::none, "[ndarray] expected a known dtype for shape {}", shape);
  int64_t bytes = size_of(dtype);
  bool fits = true;
  for (const int64_t axis : shape)
    if (__builtin_mul_overflow(bytes, axis, &bytes)) fits = false;
  for (const int64_t axis : shape)
    if (axis == 0) return 0;
  if (!fits || bytes > int64_t{1} << 47)
    fail(ErrorKind::Memory, "[ndarray] shape {} of {} is more than 2^47 bytes", shape,
         name_of(dtype));
  return bytes;
}

NDArray::NDArray(const Shape& shape, DType dtype, Device device)
    : storage_(Storage::allocate(checked_bytes(shape, dtype), device)),
      dtype_(dtype),
      shape_(shape) {}

NDArray::NDArray(Ref<Storage> storage, int64_t offset, const Shape& shape, DType dtype)
    : storage_(std::move(storage)), offset_(offset), dtype_(dtype), shape_(shape) {
  const int64_t wanted = checked_bytes(shape, dtype);
  GEMEL_CHECK(offset >= 0 && offset <= storage_->bytes() && wanted <= storage_->bytes() - offset,
              "[ndarray] a view of {} bytes from byte {} does not fit a storage of {} bytes",
              wanted, offset, storage_->bytes());
}

NDArray NDArray::reshape(const Shape& shape) const {
  GEMEL_CHECK(shape.known() && checked_bytes(shape, dtype_) == bytes(),
              "[reshape] expected a shape of {} elements as in {}, got {}", size(), shape_, shape);
  return NDArray(storage_, offset_, shape, dtype_);
}

NDArray NDArray::slice(int64_t begin, int64_t end) const {
  GEMEL_CHECK(shape_.ndim() > 0, "[slice] expected an array of one axis or more, got shape {}",
              shape_);
  if (begin < 0 || begin > end || end > shape_[0])
    fail(ErrorKind::Index, "[slice] expected 0 <= begin <= end <= {}, got {} and {}", shape_[0],
         begin, end);
  Shape shape = shape_;
  shape[0] = end - begin;
  return NDArray(storage_, offset_ + begin * row_bytes(*this), shape, dtype_);
}

NDArray NDArray::at(int64_t index) const {
  GEMEL_CHECK(shape_.ndim() > 0, "[at] expected an array of one axis or more, got shape {}",
              shape_);
  if (index < 0 || index >= shape_[0])
    fail(ErrorKind::Index, "[at] expected an index from 0 to {}, got {}", shape_[0] - 1, index);
  const Shape shape(std::span<const int64_t>(shape_.begin() + 1, shape_.end()));
  return NDArray(storage_, offset_ + index * row_bytes(*this), shape, dtype_);
}

NDArray NDArray::view(int64_t element_offset, const Shape& shape) const {
  const int64_t wanted = checked_bytes(shape, dtype_) / size_of(dtype_);
  GEMEL_CHECK(element_offset >= 0 && element_offset <= size() && wanted <= size() - element_offset,
              "[view] shape {} from element {} does not fit an array of {} elements", shape,
              element_offset, size());
  return NDArray(storage_, offset_ + element_offset * size_of(dtype_), shape, dtype_);
}

void NDArray::copy_from_host(const void* data, int64_t bytes) {
  GEMEL_CHECK(bytes == this->bytes(),
              "[copy_from_host] expected {} bytes for shape {} of {}, got {}", this->bytes(),
              shape_, name_of(dtype_), bytes);
  engine::Tag* tag[] = {&this->tag()};
  engine::TaskOptions options{.writes = tag, .name = "copy_from_host", .small = true};
  if (!covers_storage()) options.reads = tag;
  // The host memory outlives the task, because this waits for it.
  engine::push(
      [storage = storage_, target = this->data<std::byte>(), data, bytes] {
        if (bytes) std::memcpy(target, data, static_cast<size_t>(bytes));
      },
      options);
  wait_to_read();
}

void NDArray::copy_to_host(void* data, int64_t bytes) const {
  GEMEL_CHECK(bytes == this->bytes(), "[copy_to_host] expected {} bytes for shape {} of {}, got {}",
              this->bytes(), shape_, name_of(dtype_), bytes);
  wait_to_read();
  if (bytes) std::memcpy(data, this->data<std::byte>(), static_cast<size_t>(bytes));
}

void NDArray::copy_to(const NDArray& target, int priority) const {
  GEMEL_CHECK(target && *this, "[copy] expected two arrays, got none");
  GEMEL_CHECK(target.shape_ == shape_, "[copy] expected a target of shape {}, got {}", shape_,
              target.shape_);
  GEMEL_CHECK(target.dtype_ == dtype_, "[copy] expected a target of dtype {}, got {}",
              name_of(dtype_), name_of(target.dtype_));
  if (target.storage_ == storage_ && target.offset_ == offset_) return;
  engine::Tag* reads[] = {&tag(), &target.tag()};
  engine::Tag* writes[] = {&target.tag()};
  const bool small = bytes() < inline_copy_below;
  const engine::TaskOptions options{
      .reads = std::span<engine::Tag* const>(reads, target.covers_storage() ? 1 : 2),
      .writes = writes,
      .resource = small ? engine::Resource::compute : engine::Resource::copy,
      .priority = priority,
      .name = "copy",
      .bytes = small ? 0 : bytes(),
      .small = small};
  engine::push(
      [from = storage_, to = target.storage_, source = data<std::byte>(),
       destination = target.data<std::byte>(), size = static_cast<size_t>(bytes())] {
        if (size) std::memmove(destination, source, size);  // views of one storage may overlap
      },
      options);
}

NDArray NDArray::copy(Device device) const {
  if (!*this) return {};
  NDArray result(shape_, dtype_, device);
  copy_to(result);
  return result;
}

}  // namespace gemel
