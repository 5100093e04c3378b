// Loops between stored element types and the types of computation (float, double, int64_t,
// uint64_t).
// Integers wrap to the narrower width, reals truncate on the way to integers (what does not fit in
// 64 bits becomes the lowest value), bool is "not zero", halves round to nearest even.
#pragma once
#include <cstddef>

#include "base/dtype.h"

namespace gemel::simd {

template <typename T>
using Load = void (*)(const void* from, T* to, size_t n);
template <typename T>
using Store = void (*)(const T* from, void* to, size_t n);
// Elements that lie `stride` apart.
template <typename T>
using StridedLoad = void (*)(const void* from, ptrdiff_t stride, T* to, size_t n);

template <typename T>
Load<T> load_function(DType dtype);
template <typename T>
StridedLoad<T> strided_load_function(DType dtype);
template <typename T>
Store<T> store_function(DType dtype);

// The element type that is computed in T.
template <typename T>
inline constexpr DType compute_dtype = std::is_same_v<T, float>      ? DType::float32
                                       : std::is_same_v<T, double>   ? DType::float64
                                       : std::is_same_v<T, uint64_t> ? DType::uint64
                                                                     : DType::int64;

}  // namespace gemel::simd
