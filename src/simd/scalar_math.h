// What each primitive means, one value at a time. The vector code agrees with this within its
// stated error; functions without vector code run it. Floats are computed in double and rounded
// once; integers wrap, divide by zero to zero, and truncate the real functions.
#pragma once
#include <cmath>
#include <cstdint>
#include <limits>
#include <type_traits>

#include "simd/primitive.h"
#include "simd/special_functions.h"

namespace gemel::simd {

// Truncation to an integer as x86 does it: what does not fit (and NaN) becomes the lowest value.
inline int64_t to_int64(double value) {
  return value >= -9223372036854775808.0 && value < 9223372036854775808.0
             ? static_cast<int64_t>(value)
             : std::numeric_limits<int64_t>::min();
}

// The same for unsigned: values from 2^63 on are kept, negative ones wrap.
inline uint64_t to_uint64(double value) {
  return value >= 9223372036854775808.0 && value < 18446744073709551616.0
             ? static_cast<uint64_t>(value)
             : static_cast<uint64_t>(to_int64(value));
}

template <typename T>
T from_real(double value) {
  if constexpr (std::is_same_v<T, uint64_t>)
    return to_uint64(value);
  else if constexpr (std::is_integral_v<T>)
    return to_int64(value);
  else
    return static_cast<T>(value);
}

inline int64_t wrapping(uint64_t value) { return static_cast<int64_t>(value); }

// Minus one divides any integer but is no special case for unsigned ones.
template <typename T>
bool is_minus_one(T value) {
  return std::is_signed_v<T> && value == static_cast<T>(-1);
}

// In which type the real functions of T are computed. Generated device code has it otherwise.
template <typename T>
struct RealOf {
  using type = double;
};

template <Primitive P, typename R>
R real_unary(R x) {
  using enum Primitive;
  if constexpr (P == exp)
    return std::exp(x);
  else if constexpr (P == log)
    return std::log(x);
  else if constexpr (P == log2)
    return std::log2(x);
  else if constexpr (P == log10)
    return std::log10(x);
  else if constexpr (P == log1p)
    return std::log1p(x);
  else if constexpr (P == expm1)
    return std::expm1(x);
  else if constexpr (P == sqrt)
    return std::sqrt(x);
  else if constexpr (P == cbrt)
    return std::cbrt(x);
  else if constexpr (P == tanh)
    return std::tanh(x);
  else if constexpr (P == sinh)
    return std::sinh(x);
  else if constexpr (P == cosh)
    return std::cosh(x);
  else if constexpr (P == sin)
    return std::sin(x);
  else if constexpr (P == cos)
    return std::cos(x);
  else if constexpr (P == tan)
    return std::tan(x);
  else if constexpr (P == arcsin)
    return std::asin(x);
  else if constexpr (P == arccos)
    return std::acos(x);
  else if constexpr (P == arctan)
    return std::atan(x);
  else if constexpr (P == arcsinh)
    return std::asinh(x);
  else if constexpr (P == arccosh)
    return std::acosh(x);
  else if constexpr (P == arctanh)
    return std::atanh(x);
  else if constexpr (P == sigmoid)
    return 1 / (1 + std::exp(-x));
  else if constexpr (P == erf)
    return std::erf(x);
  else if constexpr (P == erfinv)
    return inverse_erf(x);
  else if constexpr (P == gamma)
    return gamma_function(x);
  else if constexpr (P == gammaln)
    return log_gamma(x);
  else if constexpr (P == digamma)
    return digamma_function(x);
  else if constexpr (P == trigamma)
    return trigamma_function(x);
  else if constexpr (P == softsign)
    return x / (1 + std::fabs(x));
  else if constexpr (P == rsqrt)
    return 1 / std::sqrt(x);
  else {
    static_assert(P == softrelu);
    return std::log1p(std::exp(-std::fabs(x))) + (x > 0 ? x : x <= 0 ? 0 : x);
  }
}

template <Primitive P, typename T>
T unary(T x) {
  using enum Primitive;
  constexpr bool integral = std::is_integral_v<T>;
  if constexpr (P == negative) {
    if constexpr (integral)
      return wrapping(0 - static_cast<uint64_t>(x));
    else
      return -x;
  } else if constexpr (P == square) {
    if constexpr (integral)
      return wrapping(static_cast<uint64_t>(x) * static_cast<uint64_t>(x));
    else
      return x * x;
  } else if constexpr (P == abs) {
    if constexpr (integral)
      return std::is_signed_v<T> && x < 0 ? wrapping(0 - static_cast<uint64_t>(x)) : x;
    else
      return std::fabs(x);
  } else if constexpr (P == sign)
    return static_cast<T>((x > 0) - (x < 0));
  else if constexpr (P == relu)
    return x <= 0 ? T(0) : x;
  else if constexpr (P == step)
    return x <= 0 ? T(0) : x > 0 ? T(1) : x;  // the slope of relu
  else if constexpr (P == logical_not)
    return static_cast<T>(x == 0);
  else if constexpr (P == reciprocal) {
    if constexpr (integral)
      return x == 0 ? 0 : 1 / x;
    else
      return T(1) / x;
  } else if constexpr (P == floor || P == ceil || P == round || P == rint || P == trunc) {
    if constexpr (integral)
      return x;
    else if constexpr (P == floor)
      return std::floor(x);
    else if constexpr (P == ceil)
      return std::ceil(x);
    else if constexpr (P == round)
      return std::round(x);  // halves away from zero
    else if constexpr (P == trunc)
      return std::trunc(x);
    else {  // rint: halves downwards
      const T below = std::floor(x), above = std::ceil(x);
      return x - below <= above - x ? below : above;
    }
  } else if constexpr (P == rsqrt && !integral)
    return T(1) / std::sqrt(x);
  else if constexpr (P == softsign && !integral)
    return x / (T(1) + std::fabs(x));
  else
    return from_real<T>(real_unary<P>(static_cast<typename RealOf<T>::type>(x)));
}

// Remainder with the sign of the divisor; anything modulo 0 is 0.
template <typename T>
T floored_mod(T a, T b) {
  if (b == 0) return 0;
  if constexpr (std::is_integral_v<T>) {
    if (is_minus_one(b)) return 0;
    const T r = a % b;
    return r != 0 && (r < 0) != (b < 0) ? r + b : r;
  } else {
    const double x = a, y = b;
    const double r = std::fmod(x, y);
    return static_cast<T>(r != 0 && (r < 0) != (y < 0) ? r + y : x < 0 || y < 0 ? r + 0.0 : r);
  }
}

template <Primitive P, typename T>
T binary(T a, T b) {
  using enum Primitive;
  constexpr bool integral = std::is_integral_v<T>;
  if constexpr (P == add) {
    if constexpr (integral)
      return wrapping(static_cast<uint64_t>(a) + static_cast<uint64_t>(b));
    else
      return a + b;
  } else if constexpr (P == subtract) {
    if constexpr (integral)
      return wrapping(static_cast<uint64_t>(a) - static_cast<uint64_t>(b));
    else
      return a - b;
  } else if constexpr (P == multiply) {
    if constexpr (integral)
      return wrapping(static_cast<uint64_t>(a) * static_cast<uint64_t>(b));
    else
      return a * b;
  } else if constexpr (P == divide) {
    if constexpr (integral)
      return b == 0 ? 0 : is_minus_one(b) ? unary<negative>(a) : a / b;
    else
      return a / b;
  } else if constexpr (P == max)
    return a >= b || a != a ? a : b;
  else if constexpr (P == min)
    return a <= b || a != a ? a : b;
  else if constexpr (P == mod)
    return floored_mod(a, b);
  else if constexpr (P == equal)
    return static_cast<T>(a == b);
  else if constexpr (P == not_equal)
    return static_cast<T>(a != b);
  else if constexpr (P == greater)
    return static_cast<T>(a > b);
  else if constexpr (P == greater_equal)
    return static_cast<T>(a >= b);
  else if constexpr (P == less)
    return static_cast<T>(a < b);
  else if constexpr (P == less_equal)
    return static_cast<T>(a <= b);
  else if constexpr (P == logical_and)
    return static_cast<T>(a != 0 && b != 0);
  else if constexpr (P == logical_or)
    return static_cast<T>(a != 0 || b != 0);
  else if constexpr (P == logical_xor)
    return static_cast<T>((a != 0) != (b != 0));
  else {
    using R = typename RealOf<T>::type;
    const R x = static_cast<R>(a), y = static_cast<R>(b);
    if constexpr (P == pow)
      return from_real<T>(std::pow(x, y));
    else if constexpr (P == hypot)
      return from_real<T>(std::hypot(x, y));
    else {
      static_assert(P == atan2);
      return from_real<T>(std::atan2(x, y));
    }
  }
}

template <Primitive P, typename T>
T ternary(T a, T b, T c) {
  if constexpr (P == Primitive::where)
    return a != 0 ? b : c;
  else {
    static_assert(P == Primitive::clip);
    return a > c ? c : a < b ? b : a;  // NaN passes
  }
}

}  // namespace gemel::simd
