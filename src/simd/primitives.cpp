#include "simd/primitives.h"

#include "simd/primitives_scalar.h"

namespace gemel::simd {

template <>
const Primitives<float>& primitives<float>() {
  static const Primitives<float> table = scalar_primitives<float>();
  return table;
}
template <>
const Primitives<double>& primitives<double>() {
  static const Primitives<double> table = scalar_primitives<double>();
  return table;
}
template <>
const Primitives<int64_t>& primitives<int64_t>() {
  static const Primitives<int64_t> table = scalar_primitives<int64_t>();
  return table;
}

}  // namespace gemel::simd
