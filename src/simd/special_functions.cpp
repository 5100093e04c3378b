#include "simd/special_functions.h"

namespace gemel::simd {

namespace {
constexpr double pi = 3.14159265358979323846;
}

double log_gamma(double x) {
  if (std::isinf(x)) return std::numeric_limits<double>::infinity();
#if defined(__GLIBC__)
  int sign;
  return ::lgamma_r(x, &sign);  // std::lgamma writes a global
#else
  return std::lgamma(x);
#endif
}

double gamma_function(double x) {
  if (x < 0 && std::floor(x) == x) return std::numeric_limits<double>::quiet_NaN();
  return std::tgamma(x);
}

// Both polygamma functions step up to x >= 10 by their recurrence and sum the asymptotic series
// there.
double digamma_function(double x) {
  if (x == 0 || (x < 0 && std::floor(x) == x)) return std::numeric_limits<double>::infinity();
  if (x < 0) return digamma_function(1 - x) - pi / std::tan(pi * x);
  double sum = 0;
  for (; x < 10; x += 1) sum -= 1 / x;
  const double r = 1 / (x * x);
  const double series =
      r * (1.0 / 12 - r * (1.0 / 120 -
                           r * (1.0 / 252 -
                                r * (1.0 / 240 - r * (1.0 / 132 - r * (691.0 / 32760 - r / 12))))));
  return sum + std::log(x) - 0.5 / x - series;
}

double trigamma_function(double x) {
  if (x == 0 || (x < 0 && std::floor(x) == x)) return std::numeric_limits<double>::infinity();
  if (x < 0) {
    const double s = std::sin(pi * x);
    return pi * pi / (s * s) - trigamma_function(1 - x);
  }
  double sum = 0;
  for (; x < 10; x += 1) sum += 1 / (x * x);
  const double r = 1 / (x * x);
  const double series =
      1 + r * (1.0 / 6 -
               r * (1.0 / 30 -
                    r * (1.0 / 42 -
                         r * (1.0 / 30 - r * (5.0 / 66 - r * (691.0 / 2730 - r * 7.0 / 6))))));
  return sum + series / x + 0.5 * r;
}

double inverse_erf(double x) {
  if (!(x > -1 && x < 1)) {
    if (x == 1 || x == -1) return x * std::numeric_limits<double>::infinity();
    return std::numeric_limits<double>::quiet_NaN();
  }
  if (x == 0) return x;
  // A first value good to two digits, then Halley's steps on erf(y) - x; erfc keeps the digits
  // near 1.
  const double magnitude = std::fabs(x);
  const double logarithm = std::log1p(-magnitude * magnitude);
  const double half = 2 / (pi * 0.147) + logarithm / 2;
  double y = std::sqrt(std::sqrt(half * half - logarithm / 0.147) - half);
  for (int i = 0; i < 4; ++i) {
    const double error = magnitude < 0.5 ? std::erf(y) - magnitude : (1 - magnitude) - std::erfc(y);
    const double newton = error / (1.1283791670955126 * std::exp(-y * y));
    y -= newton / (1 + y * newton);
  }
  return std::copysign(y, x);
}

}  // namespace gemel::simd
