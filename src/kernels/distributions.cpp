#include "kernels/distributions.h"

#include <cmath>

#include "simd/special_functions.h"

namespace gemel::kernels {

namespace {

double small_poisson(ElementStream& stream, double mean) {
  const double limit = std::exp(-mean);
  double count = 0, product = stream.uniform();
  while (product > limit) {
    product *= stream.uniform();
    ++count;
  }
  return count;
}

double large_poisson(ElementStream& stream, double mean) {
  const double log_mean = std::log(mean);
  const double b = 0.931 + 2.53 * std::sqrt(mean), a = -0.059 + 0.02483 * b;
  const double inverse_alpha = 1.1239 + 1.1328 / (b - 3.4), limit = 0.9277 - 3.6224 / (b - 2);
  for (;;) {
    const double u = stream.uniform() - 0.5, v = stream.positive_uniform();
    const double distance = 0.5 - std::abs(u);
    const double k = std::floor((2 * a / distance + b) * u + mean + 0.43);
    if (distance >= 0.07 && v <= limit) return k;
    if (k < 0 || (distance < 0.013 && v > distance)) continue;
    const double left = std::log(v * inverse_alpha / (a / (distance * distance) + b));
    if (left <= k * log_mean - mean - simd::log_gamma(k + 1)) return k;
  }
}

}  // namespace

double draw_exponential(ElementStream& stream, double rate) {
  return -std::log(stream.positive_uniform()) / rate;
}

double draw_gamma(ElementStream& stream, double shape, double scale) {
  if (shape < 1) {
    const double larger = draw_gamma(stream, shape + 1, scale);
    return larger * std::pow(stream.positive_uniform(), 1 / shape);
  }
  const double d = shape - 1.0 / 3, c = 1 / std::sqrt(9 * d);
  for (;;) {
    const double x = stream.normal();
    const double root = 1 + c * x;
    if (root <= 0) continue;
    const double v = root * root * root, u = stream.positive_uniform();
    if (std::log(u) < 0.5 * x * x + d - d * v + d * std::log(v)) return d * v * scale;
  }
}

double draw_poisson(ElementStream& stream, double mean) {
  if (!(mean > 0)) return 0;
  if (!std::isfinite(mean)) return mean;
  return mean < 10 ? small_poisson(stream, mean) : large_poisson(stream, mean);
}

double draw_negative_binomial(ElementStream& stream, double count, double success) {
  if (!(count > 0) || success >= 1) return 0;
  return draw_poisson(stream, draw_gamma(stream, count, (1 - success) / success));
}

double draw_generalized_negative_binomial(ElementStream& stream, double mean, double dispersion) {
  if (!(dispersion > 0)) return draw_poisson(stream, mean);
  return draw_poisson(stream, draw_gamma(stream, 1 / dispersion, dispersion * mean));
}

}  // namespace gemel::kernels
