// Tensor: what a kernel sees of an array: address, shape, stride, dtype. Owns nothing, waits for
// nothing.
#pragma once
#include "base/dtype.h"
#include "base/shape.h"
#include "device/device.h"

namespace gemel {

struct Tensor {
  std::byte* address = nullptr;
  Shape shape;
  // Elements between neighbours of each axis; ndim() == -1 means contiguous (row-major), which is
  // all that a kernel meets unless its implementation declares `accepts_strides`.
  Shape stride = Shape::unknown();
  DType dtype = DType::float32;
  Device device;

  Tensor() = default;
  Tensor(void* address, const Shape& shape, DType dtype, Device device = {})
      : address(static_cast<std::byte*>(address)), shape(shape), dtype(dtype), device(device) {}

  template <typename T>
  T* data() const {
    return reinterpret_cast<T*>(address);
  }
  int64_t size() const { return shape.size(); }
  int64_t bytes() const { return size() * size_of(dtype); }
  bool contiguous() const { return stride.ndim() < 0; }
};

}  // namespace gemel
