// What each reduction does to one element and to two partial results. L is the type in which short
// runs are reduced (float, double, int64_t or uint64_t), W the type of the totals (float64 for
// float).
#pragma once
#include <cmath>
#include <cstdint>
#include <limits>
#include <type_traits>

#include "kernels/reduce.h"

namespace gemel::kernels {

template <typename L>
using total_type = std::conditional_t<std::is_same_v<L, float>, double, L>;

template <typename T>
inline T wrapping_add(T a, T b) {
  if constexpr (std::is_integral_v<T>)
    return static_cast<T>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b));
  else
    return a + b;
}
template <typename T>
inline T wrapping_multiply(T a, T b) {
  if constexpr (std::is_integral_v<T>)
    return static_cast<T>(static_cast<uint64_t>(a) * static_cast<uint64_t>(b));
  else
    return a * b;
}

template <Reduction kind>
struct Reducer {
  static constexpr bool is_max = kind == Reduction::max, is_min = kind == Reduction::min;
  static constexpr bool is_product = kind == Reduction::prod || kind == Reduction::nanprod;

  template <typename T>
  static T identity() {
    using limits = std::numeric_limits<T>;
    if constexpr (is_product)
      return 1;
    else if constexpr (is_max)
      return limits::has_infinity ? -limits::infinity() : limits::lowest();
    else if constexpr (is_min)
      return limits::has_infinity ? limits::infinity() : limits::max();
    else
      return 0;
  }
  template <typename T>
  static T map(T x) {
    if constexpr (kind == Reduction::nansum)
      return x != x ? T(0) : x;
    else if constexpr (kind == Reduction::nanprod)
      return x != x ? T(1) : x;
    else if constexpr (kind == Reduction::norm1)
      return x < 0 ? wrapping_multiply(x, T(-1)) : x;
    else if constexpr (kind == Reduction::norm2 || kind == Reduction::sum_squares)
      return wrapping_multiply(x, x);
    else
      return x;
  }
  template <typename T>
  static T combine(T a, T b) {
    if constexpr (is_product)
      return wrapping_multiply(a, b);
    else if constexpr (is_max)
      return (b > a) | (b != b) ? b : a;
    else if constexpr (is_min)
      return (b < a) | (b != b) ? b : a;
    else
      return wrapping_add(a, b);
  }
  template <typename W>
  static W finish(W total, int64_t count) {
    if constexpr (kind == Reduction::mean) {
      if constexpr (std::is_integral_v<W>)
        return count ? total / static_cast<W>(count) : 0;
      else
        return total / static_cast<W>(count);
    } else if constexpr (kind == Reduction::norm2) {
      return static_cast<W>(std::sqrt(static_cast<double>(total)));
    } else {
      return total;
    }
  }
};

}  // namespace gemel::kernels
