#include "kernels/image/taps.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

namespace gemel::kernels {

namespace {

// Keys's cubic convolution with a = -0.75, at distances 1 + x, x, 1 - x, 2 - x.
std::array<float, 8> cubic(float x) {
  constexpr float a = -0.75f;
  const auto near = [](float d) { return ((a + 2) * d - (a + 3)) * d * d + 1; };
  const float far = ((a * (x + 1) - 5 * a) * (x + 1) + 8 * a) * (x + 1) - 4 * a;
  return {far, near(x), near(1 - x), 1 - far - near(x) - near(1 - x)};
}

// Lanczos's windowed sinc with 8 taps, of sum 1.
std::array<float, 8> lanczos(float x) {
  std::array<double, 8> value{};
  double sum = 0;
  for (int i = 0; i < 8; ++i) {
    const double angle = (static_cast<double>(x) + 3 - i) * std::numbers::pi;
    value[i] =
        std::abs(angle) < 1e-6 ? 1 : std::sin(angle) * std::sin(angle / 4) * 4 / (angle * angle);
    sum += value[i];
  }
  std::array<float, 8> result{};
  for (int i = 0; i < 8; ++i) result[i] = static_cast<float>(value[i] / sum);
  return result;
}

// The share of each source pixel in the stretch that a new pixel covers.
void average(Taps& taps, int64_t size, double scale, int64_t i) {
  const double first = static_cast<double>(i) * scale, last = first + scale;
  const double length = std::min(scale, static_cast<double>(size) - first);
  const int64_t whole_to = std::min<int64_t>(static_cast<int64_t>(std::floor(last)), size - 1);
  const int64_t whole_from = std::min<int64_t>(static_cast<int64_t>(std::ceil(first)), whole_to);
  const double before = static_cast<double>(whole_from) - first;
  const double after = last - static_cast<double>(whole_to);
  if (before > 1e-3) taps.add(whole_from - 1, static_cast<float>(before / length));
  for (int64_t s = whole_from; s < whole_to; ++s) taps.add(s, static_cast<float>(1 / length));
  if (after > 1e-3) taps.add(whole_to, static_cast<float>(std::min({after, 1.0, length}) / length));
}

}  // namespace

Taps taps_of(int64_t size, int64_t new_size, Interpolation interpolation, bool averages) {
  Taps taps;
  const double scale = 1 / (static_cast<double>(new_size) / static_cast<double>(size));
  const auto inside = [&](int64_t at) { return std::clamp<int64_t>(at, 0, size - 1); };
  for (int64_t i = 0; i < new_size; ++i) {
    const double place = (static_cast<double>(i) + 0.5) * scale - 0.5;
    const auto at = static_cast<int64_t>(std::floor(static_cast<float>(place)));
    const float rest = static_cast<float>(place) - static_cast<float>(at);
    if (interpolation == Interpolation::nearest) {
      taps.add(inside(static_cast<int64_t>(std::floor(static_cast<double>(i) * scale))), 1);
    } else if (averages) {
      average(taps, size, scale, i);
    } else if (interpolation == Interpolation::cubic || interpolation == Interpolation::lanczos) {
      const int count = interpolation == Interpolation::cubic ? 4 : 8;
      const auto weights = count == 4 ? cubic(rest) : lanczos(rest);
      for (int k = 0; k < count; ++k) taps.add(inside(at - count / 2 + 1 + k), weights[k]);
    } else if (interpolation == Interpolation::area) {
      const auto low = static_cast<int64_t>(std::floor(static_cast<double>(i) * scale));
      const auto over =
          static_cast<float>(static_cast<double>(i + 1) - static_cast<double>(low + 1) / scale);
      const float weight = over <= 0 ? 0 : over - std::floor(over);
      taps.add(inside(low), 1 - weight);
      taps.add(inside(low + 1), weight);
    } else {
      const float weight = at < 0 || at >= size - 1 ? 0 : rest;
      taps.add(inside(at), 1 - weight);
      taps.add(inside(at + 1), weight);
    }
    taps.end_pixel();
  }
  return taps;
}

}  // namespace gemel::kernels
