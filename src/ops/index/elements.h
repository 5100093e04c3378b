// Single elements of arrays of any type, as double or int64: for operators that move few of them.
#pragma once
#include "array/tensor.h"
#include "simd/convert.h"

namespace gemel {

inline double element(const Tensor& t, int64_t i) {
  double value;
  simd::load_function<double>(t.dtype)(t.address + i * size_of(t.dtype), &value, 1);
  return value;
}
inline void set_element(const Tensor& t, int64_t i, double value) {
  simd::store_function<double>(t.dtype)(&value, t.address + i * size_of(t.dtype), 1);
}

}  // namespace gemel
