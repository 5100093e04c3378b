// Weights of the passes forward and data: from the operator's layout to the prepared one, and from
// either to the points.
#include <cstring>

#include "kernels/conv/winograd_tiles.h"
#include "kernels/parallel.h"

namespace gemel::kernels {
namespace winograd {
namespace {

// The kernels of `count` input channels from `i` on for the sixteen output channels from `o` on, as
// they are prepared.
void gather_kernels(const WinogradSchedule& s, const float* weight, int64_t o, int64_t i,
                    int64_t count, float* to) {
  const int64_t taps = s.kernel * s.kernel, lanes = std::min(group, s.out_channels - o);
  if (lanes < group) std::memset(to, 0, count * taps * group * sizeof(float));
  if (s.pass == ConvolutionPass::forward)
    simd::winograd_gather({lanes, 1, count * taps, s.in_channels * taps, 0, 0},
                          weight + (o * s.in_channels + i) * taps, to);
  else  // input and output change places
    simd::winograd_gather({lanes, count, taps, taps, s.out_channels * taps, taps * group},
                          weight + (i * s.out_channels + o) * taps, to);
}

}  // namespace

void transform_weights(const WinogradSchedule& s, const float* weight, int64_t index, int64_t first,
                       int64_t last, const WeightPlace& to, float* strip) {
  const int64_t taps = s.kernel * s.kernel, width = panel_width(s.out_channels, index);
  const int64_t line = s.kernel * group, square = taps * group;
  for (int64_t half = 0; half < width; half += group) {
    const int64_t o = index * panel + half;
    for (int64_t i = first; i < last; i += group) {
      const int64_t count = std::min(group, last - i);
      float* kernels = strip;
      if (s.prepared)  // only read
        kernels = const_cast<float*>(weight) + (o / group * s.in_channels + i) * square;
      else
        gather_kernels(s, weight, o, i, count, strip);
      simd::WinogradWindows windows{kernels, line, group, square};
      if (s.pass == ConvolutionPass::data)  // the kernel is read from its end
        windows = {kernels + (taps - 1) * group, -line, -group, square};
      simd::winograd_to_points(kernel_square(s), windows, count,
                               {to.values + (i - first) * width + half, to.point, width});
    }
  }
}

}  // namespace winograd

int64_t winograd_prepared_size(const WinogradSchedule& s) {
  return winograd::padded(s.out_channels) * s.in_channels * s.kernel * s.kernel;
}

void winograd_prepare_weight(const WinogradSchedule& s, const float* weight, float* prepared) {
  using winograd::group;
  const int64_t taps = s.kernel * s.kernel;
  parallel_for(winograd::in_groups(s.out_channels), s.in_channels * taps * group, [&](int64_t g) {
    winograd::gather_kernels(s, weight, g * group, 0, s.in_channels,
                             prepared + g * s.in_channels * taps * group);
  });
}

}  // namespace gemel::kernels
