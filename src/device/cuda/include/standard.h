// What generated device code needs of the C++ library. NVRTC has the mathematical functions built
// in and no headers; this text stands for <cmath>, <cstdint>, <limits>, <string_view> and
// <type_traits>.
#ifndef GEMEL_DEVICE_STANDARD_H  // it is included by several names, each a file of its own
#define GEMEL_DEVICE_STANDARD_H

using int8_t = signed char;
using uint8_t = unsigned char;
using int16_t = short;
using uint16_t = unsigned short;
using int32_t = int;
using uint32_t = unsigned int;
using int64_t = long long;
using uint64_t = unsigned long long;

namespace std {

using ::acos, ::acosh, ::asin, ::asinh, ::atan, ::atan2, ::atanh, ::cbrt, ::ceil, ::copysign, ::cos,
    ::cosh, ::erf, ::erfc, ::exp, ::expm1, ::fabs, ::floor, ::fmod, ::hypot, ::lgamma, ::log,
    ::log10, ::log1p, ::log2, ::pow, ::round, ::sin, ::sinh, ::sqrt, ::tan, ::tanh, ::tgamma,
    ::trunc;

template <typename T>
bool isinf(T x) {
  return x == x && x - x != x - x;
}

template <typename A, typename B>
inline constexpr bool is_same_v = false;
template <typename A>
inline constexpr bool is_same_v<A, A> = true;

template <bool condition, typename A, typename B>
struct conditional {
  using type = A;
};
template <typename A, typename B>
struct conditional<false, A, B> {
  using type = B;
};
template <bool condition, typename A, typename B>
using conditional_t = typename conditional<condition, A, B>::type;

template <typename T>
inline constexpr bool is_floating_point_v = is_same_v<T, float> || is_same_v<T, double>;
template <typename T>
inline constexpr bool is_signed_v = static_cast<T>(-1) < static_cast<T>(0);
template <typename T>
inline constexpr bool is_integral_v =
    is_same_v<T, bool> || is_same_v<T, int8_t> || is_same_v<T, uint8_t> || is_same_v<T, int16_t> ||
    is_same_v<T, uint16_t> || is_same_v<T, int32_t> || is_same_v<T, uint32_t> ||
    is_same_v<T, int64_t> || is_same_v<T, uint64_t>;

template <typename T>
struct numeric_limits {
  static constexpr bool has_infinity = false;
  static constexpr T min() {
    return is_signed_v<T> ? static_cast<T>(T(1) << (8 * sizeof(T) - 1)) : T(0);
  }
  static constexpr T lowest() { return min(); }
  static constexpr T max() { return static_cast<T>(~min()); }
  static constexpr T infinity() { return T(0); }
};
template <>
struct numeric_limits<float> {
  static constexpr bool has_infinity = true;
  static float infinity() { return __int_as_float(0x7f800000); }
  static float quiet_NaN() { return __int_as_float(0x7fc00000); }
  static constexpr float max() { return 3.402823466e+38f; }
  static constexpr float lowest() { return -max(); }
};
template <>
struct numeric_limits<double> {
  static constexpr bool has_infinity = true;
  static double infinity() { return __longlong_as_double(0x7ff0000000000000); }
  static double quiet_NaN() { return __longlong_as_double(0x7ff8000000000000); }
  static constexpr double max() { return 1.7976931348623157e+308; }
  static constexpr double lowest() { return -max(); }
};

struct string_view {
  constexpr string_view(const char*) {}
};

}  // namespace std

#endif
