// One input as one run sees it: how a block of it reaches a register.
#pragma once
#include <cstdint>
#include <span>

#include "array/tensor.h"
#include "simd/convert.h"

namespace gemel::pointwise {

template <typename T>
struct InputBinding {
  enum class Mode : uint8_t {
    direct,     // the register points into the tensor
    convert,    // same shape, another dtype
    one,        // a single element, repeated
    broadcast,  // walked along the output's axes
  };
  Mode mode;
  bool same_type;
  const std::byte* address;
  int64_t element_size;
  simd::Load<T> load;
  simd::StridedLoad<T> strided_load;
  Shape stride;  // in elements along the axes of `Axes`; 0 where it is repeated
};

// The output's shape after axes that every input walks as one were merged.
struct Axes {
  int count = 0;
  int64_t size[Shape::max_ndim];
};

// Elements between neighbours of `tensor` along each axis of `shape`, 0 where it is repeated.
// Throws Error(Input) where it does not broadcast.
Shape broadcast_strides(const Tensor& tensor, const Shape& shape, int index);

// Merges neighbouring axes of `shape` where all `strides` allow, in place.
Axes merge_axes(const Shape& shape, std::span<Shape*> strides);

// Fills `to` with elements [begin, begin + n) of the walk over `axes`. Returns `to`, or the
// tensor's own memory where the range is one run of the right type.
template <typename T>
const T* walk(const InputBinding<T>& input, const Axes& axes, int64_t begin, int64_t n, T* to);

}  // namespace gemel::pointwise
