// The gradient of the weight: tiles of the input and of the output's gradient, both at the points,
// are multiplied and summed over all tiles; one transform at the end gives the kernels.
#include <atomic>

#include "kernels/conv/winograd_tiles.h"
#include "kernels/parallel.h"
#include "simd/small_product.h"

namespace gemel::kernels {
namespace {

using namespace winograd;

// Sixteen channels of the tiles of dy of a segment, at the points. `heads` is their panel.
void transform_head(const WinogradSchedule& s, const float* dy, const Segment& segment,
                    int64_t channel_group, float* heads, float* strip) {
  const int64_t columns = segment.count * s.tile, channel = channel_group * group;
  const Plane plane = out_plane(s);
  gather_strip(dy + segment.image * plane.size(), plane, channel, segment.y * s.tile,
               segment.x * s.tile, s.tile, columns, strip);
  const int64_t width = panel_width(s.out_channels, channel / panel);
  simd::winograd_to_points(
      output_square(s), {strip, columns * group, group, s.tile * group}, segment.count,
      {heads + segment.first * width + channel % panel, product_point(s.block), width});
}

// Kernels of the input channels [first, last) and the output channels of one panel.
bool write_kernels(const WinogradSchedule& s, float* sums, int64_t index, int64_t first,
                   int64_t last, float* dweight, float* strip) {
  const int64_t taps = s.kernel * s.kernel, width = panel_width(s.out_channels, index);
  bool regular = true;
  for (int64_t half = 0; half < width; half += group) {
    const int64_t o = index * panel + half, count = last - first;
    regular &= simd::winograd_from_points(
        kernel_square(s), {sums + first * width + half, s.in_channels * width, width}, count,
        {strip, s.kernel * group, group, taps * group});
    simd::winograd_scatter(
        {std::min(group, s.out_channels - o), 1, count * taps, s.in_channels * taps, 0, 0}, strip,
        dweight + (o * s.in_channels + first) * taps);
  }
  return regular;
}

}  // namespace

bool winograd_weight_gradient(const WinogradSchedule& s, const float* in, const float* dy,
                              float* dweight, void* memory) {
  Scratch pieces(memory);
  const GradientScratch scratch(s, pieces);
  const auto strip = [&](int64_t lane) { return scratch.strips + lane * scratch.strip_size; };
  const int64_t panels = panel_count(s.out_channels);
  const int64_t groups = in_groups(s.in_channels), head_groups = in_groups(s.out_channels);
  const auto sums = [&](int64_t index) {
    return scratch.sums + points * s.in_channels * panel * index;
  };
  for (int64_t block = 0; block < s.block_count(); ++block) {
    const int64_t first = block * s.block, last = std::min(first + s.block, s.tile_count());
    parallel_lanes(groups + head_groups, s.lanes, [&](int64_t g, int64_t lane) {
      segments(s, first, last, [&](const Segment& segment) {
        if (g < groups)
          transform_input(s, in, segment, g, scratch.spectrum, strip(lane));
        else
          transform_head(s, dy, segment, g - groups,
                         scratch.heads + (g - groups) * group / panel * scratch.heads_size,
                         strip(lane));
      });
    });
    parallel_lanes(points, s.lanes, [&](int64_t p, int64_t) {
      for (int64_t index = 0; index < panels; ++index) {
        const int64_t width = panel_width(s.out_channels, index);
        for (int64_t c = 0; c < s.in_channels; c += chunk)
          simd::small_product(
              {.m = std::min(chunk, s.in_channels - c),
               .n = width,
               .k = last - first,
               .a = scratch.spectrum + spectrum_place(s, p, c),
               .a_row = 1,
               .a_step = chunk_width(s.in_channels, c),
               .b = scratch.heads + index * scratch.heads_size + p * product_point(s.block),
               .b_row = width,
               .c = sums(index) + (p * s.in_channels + c) * width,
               .c_row = width,
               .accumulate = block > 0});
      }
    });
  }
  std::atomic<bool> regular{true};
  parallel_lanes(panels * groups, s.lanes, [&](int64_t i, int64_t lane) {
    const int64_t from = i % groups * group;
    if (!write_kernels(s, sums(i / groups), i / groups, from, std::min(from + group, s.in_channels),
                       dweight, strip(lane)))
      regular.store(false, std::memory_order_relaxed);
  });
  return regular;
}

}  // namespace gemel::kernels
