// Copies between views of host memory that differ in dtype or stride. Synchronous: for use inside a
// task that holds both, or after a wait.
#pragma once
#include "array/tensor.h"
#include "base/export.h"

namespace gemel {

// Equal numbers of elements, both contiguous, not overlapping. Floats become integers by dropping
// the fraction, anything but zero becomes true, halves go through float. A value that the target
// cannot hold gives some value of the target.
GEMEL_EXPORT void convert(const Tensor& from, const Tensor& to);

// Gathers a view with strides (of any sign, also 0) into contiguous memory; equal shape and dtype,
// not overlapping.
GEMEL_EXPORT void copy_strided(const Tensor& from, const Tensor& to);

}  // namespace gemel
