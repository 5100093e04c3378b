#include "kernels/image/colors.h"

#include <algorithm>
#include <span>

#include "kernels/parallel.h"

namespace gemel::kernels {
namespace {

using Kind = ColorChange::Kind;

void apply(const ColorChange& change, int64_t channels, const ColorPlanes& v,
           simd::ColorLimits limits, size_t n) {
  if (change.kind == Kind::scale || change.kind == Kind::contrast)
    for (size_t c = 0; c < static_cast<size_t>(channels); ++c)
      simd::scale_plane(v[c], change.factor, change.shift[c], limits, n);
  else if (channels == 3)
    (change.kind == Kind::saturation ? simd::saturate_planes : simd::turn_hue)(
        v[0], v[1], v[2], change.factor, limits, n);
}

double sum_of(const float* v, simd::ColorLimits limits, size_t n) {
  if (limits.whole && limits.high <= 255) return static_cast<double>(simd::sum_plane(v, n));
  double sum = 0;
  for (size_t i = 0; i < n; ++i) sum += static_cast<double>(v[i]);
  return sum;
}

}  // namespace

void change_colors(std::vector<ColorChange> changes, int64_t pixels, int64_t channels,
                   simd::ColorLimits limits, const ColorStrip& load, const ColorStrip& store) {
  const int64_t strips = (pixels + color_strip - 1) / color_strip;
  // The strip's planes after the first `count` changes.
  const auto strip_after = [&](int64_t strip, size_t count, const ColorStrip& use) {
    alignas(64) float memory[3][color_strip];
    const ColorPlanes planes = {memory[0], memory[1], memory[2]};
    const int64_t first = strip * color_strip, n = std::min(color_strip, pixels - first);
    load(first, n, planes);
    for (size_t i = 0; i < count; ++i)
      apply(changes[i], channels, planes, limits, static_cast<size_t>(n));
    use(first, n, planes);
  };
  const auto cost = color_strip * 4 * static_cast<int64_t>(changes.size() + 1);
  for (size_t i = 0; i < changes.size(); ++i) {
    if (changes[i].kind != Kind::contrast) continue;
    // A sum for each strip, so that the total does not depend on the threads.
    std::vector<double> gray(static_cast<size_t>(strips));
    parallel_for(strips, cost, [&](int64_t strip) {
      strip_after(strip, i, [&](int64_t, int64_t n, const ColorPlanes& v) {
        const auto sum = [&](size_t c) { return sum_of(v[c], limits, static_cast<size_t>(n)); };
        gray[static_cast<size_t>(strip)] =
            channels == 3 ? 0.299 * sum(0) + 0.587 * sum(1) + 0.114 * sum(2) : sum(0);
      });
    });
    double total = 0;
    for (double one : gray) total += one;
    const auto mean = static_cast<float>(total / static_cast<double>(std::max<int64_t>(pixels, 1)));
    changes[i].shift.fill((1 - changes[i].factor) * mean);
  }
  parallel_for(strips, cost, [&](int64_t strip) { strip_after(strip, changes.size(), store); });
}

}  // namespace gemel::kernels
