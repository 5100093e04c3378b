// The one number that an array of one element holds.
#pragma once
#include "array/tensor.h"
#include "base/error.h"

namespace gemel::kernels {

// As float64; throws Error(Input) for an empty array.
inline double scalar_of(const Tensor& t) {
  GEMEL_CHECK(t.size() > 0, "expected an array of one element, got shape {}", t.shape);
  return dispatch(t.dtype, [&](auto type) {
    return static_cast<double>(*t.data<typename decltype(type)::type>());
  });
}

}  // namespace gemel::kernels
