// One stored element to and from the type in which it is computed (float, double, int64_t or
// uint64_t); what the loops of simd/convert.h and generated device code do.
#pragma once
#include "base/dtype.h"
#include "simd/scalar_math.h"

namespace gemel::simd {

template <typename S, typename T>
T load_value(S value) {
  if constexpr (std::is_same_v<S, float16> || std::is_same_v<S, bfloat16>)
    return load_value<float, T>(static_cast<float>(value));
  else if constexpr (std::is_floating_point_v<S> && std::is_integral_v<T>)
    return from_real<T>(value);
  else
    return static_cast<T>(value);
}

template <typename T, typename S>
S store_value(T value) {
  if constexpr (std::is_same_v<S, bool>)
    return value != 0;
  else if constexpr (std::is_same_v<S, float16> || std::is_same_v<S, bfloat16>)
    return S(static_cast<float>(value));
  else if constexpr (std::is_integral_v<S> && std::is_floating_point_v<T>) {
    const double real = static_cast<double>(value);
    if constexpr (std::is_same_v<S, uint64_t>)
      return to_uint64(real);
    else
      return static_cast<S>(to_int64(real));
  } else
    return static_cast<S>(value);
}

}  // namespace gemel::simd
