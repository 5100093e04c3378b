// What every generated kernel begins with.
#pragma once
#include <cmath>
#include <cstdint>
#include <limits>
#include <type_traits>

#include "simd/convert_value.h"
#include "simd/special_functions.cpp"

namespace gemel::simd {

// float's functions in float: a GPU has few units for double.
template <>
struct RealOf<float> {
  using type = float;
};

}  // namespace gemel::simd

namespace gemel::cuda {

using simd::from_real;
using simd::load_value;
using simd::Primitive;
using simd::store_value;

inline constexpr int max_axes = 32;

template <int count>
struct Scalars {
  double value[count];
};

// How `inputs` arrays lie under one shape; strides in elements, 0 along axes that are broadcast.
template <int inputs>
struct Layout {
  int axes;
  long long size[max_axes];
  long long stride[inputs][max_axes];

  // The position of element `index` (row by row) in every input.
  void locate(long long index, long long* position) const {
    for (int i = 0; i < inputs; ++i) position[i] = 0;
    for (int axis = axes - 1; axis >= 0; --axis) {
      const long long along = index % size[axis];
      index /= size[axis];
      for (int i = 0; i < inputs; ++i) position[i] += along * stride[i][axis];
    }
  }
};

// A value as if it had been stored as S and loaded again.
template <typename S, typename T>
T rounded(T value) {
  return load_value<S, T>(store_value<T, S>(value));
}

}  // namespace gemel::cuda
