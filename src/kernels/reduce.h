// Reductions over any set of axes. float32 (and the halves) sum in short float runs whose totals
// are added in float64; the order never depends on the number of threads.
#pragma once
#include <cstdint>

#include "array/tensor.h"

namespace gemel::kernels {

enum class Reduction : uint8_t {
  sum,
  mean,
  prod,
  max,
  min,
  nansum,
  nanprod,
  norm1,
  norm2,
  sum_squares
};

// Bit i of `axes` set: axis i of `in` is reduced. `out` has the remaining axes in order (axes of
// length 1 may stand for reduced ones) and the same dtype; only its size is looked at. Reducing
// nothing but empty axes gives the identity (-inf for max). `out` must not overlap `in`, except
// that equal addresses are allowed when no axis longer than 1 is reduced.
void reduce(Reduction kind, const Tensor& in, uint32_t axes, const Tensor& out);

// Index of the largest (smallest) element along `axis`, the first of equal ones; a NaN wins.
// Written in the dtype of `out`.
void arg_extreme(bool largest, const Tensor& in, int axis, const Tensor& out);

// Neighbouring axes with equal bits in `axes` joined, axes of length 1 dropped.
struct MergedAxes {
  int count = 0;
  int64_t size[Shape::max_ndim];
  int64_t stride[Shape::max_ndim];  // in elements of the array
  bool reduced[Shape::max_ndim];
};
MergedAxes merge_reduced(const Shape& shape, uint32_t axes);

}  // namespace gemel::kernels
