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

// Adds the sums of the other slices to those of the first, in their order, for the same kernels as
// write_kernels.
void join_slices(const WinogradSchedule& s, const GradientScratch& scratch, int64_t index,
                 int64_t first, int64_t last) {
  const int64_t width = panel_width(s.out_channels, index);
  const int64_t place = points * s.in_channels * panel * index;
  for (int64_t slice = 1; slice < s.slices; ++slice)
    for (int64_t p = 0; p < points; ++p) {
      float* to = scratch.sums + place + (p * s.in_channels + first) * width;
      const float* from = to + slice * scratch.sums_size;
      for (int64_t i = 0; i < (last - first) * width; ++i) to[i] += from[i];
    }
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

// The sums over the tiles of one slice, at the points. `inside` threads share each block; `lane` is
// the one that has the slice, if they are alone with it.
struct Slice {
  const WinogradSchedule& s;
  const GradientScratch& scratch;
  const float *in, *dy;
  int64_t index, lane, inside;

  float* strip(int64_t other) const {
    return scratch.strips + std::max(lane, other) * scratch.strip_size;
  }
  float* spectrum() const { return scratch.spectrum + lane * scratch.spectrum_size; }
  float* heads(int64_t panel_index) const {
    return scratch.heads + (lane * panel_count(s.out_channels) + panel_index) * scratch.heads_size;
  }

  void transform(int64_t first, int64_t last) const {
    const int64_t groups = in_groups(s.in_channels), head_groups = in_groups(s.out_channels);
    parallel_lanes(groups + head_groups, inside, [&](int64_t g, int64_t other) {
      segments(s, first, last, [&](const Segment& segment) {
        if (g < groups)
          transform_input(s, in, segment, g, spectrum(), strip(other));
        else
          transform_head(s, dy, segment, g - groups, heads((g - groups) * group / panel),
                         strip(other));
      });
    });
  }
  void multiply(int64_t tiles, bool accumulate) const {
    float* const sums = scratch.sums + index * scratch.sums_size;
    const int64_t panels = panel_count(s.out_channels);
    parallel_lanes(points, inside, [&](int64_t p, int64_t) {
      for (int64_t i = 0; i < panels; ++i) {
        const int64_t width = panel_width(s.out_channels, i);
        for (int64_t c = 0; c < s.in_channels; c += chunk)
          simd::small_product(
              {.m = std::min(chunk, s.in_channels - c),
               .n = width,
               .k = tiles,
               .a = spectrum() + spectrum_place(s, p, c),
               .a_row = 1,
               .a_step = chunk_width(s.in_channels, c),
               .b = heads(i) + p * product_point(s.block),
               .b_row = width,
               .c = sums + points * s.in_channels * panel * i + (p * s.in_channels + c) * width,
               .c_row = width,
               .accumulate = accumulate});
      }
    });
  }
  void run() const {
    const int64_t each = s.block_count() / s.slices, begin = index * each;
    const int64_t end = index + 1 == s.slices ? s.block_count() : begin + each;
    for (int64_t block = begin; block < end; ++block) {
      const int64_t first = block * s.block, last = std::min(first + s.block, s.tile_count());
      transform(first, last);
      multiply(last - first, block > begin);
    }
  }
};

}  // namespace

bool winograd_weight_gradient(const WinogradSchedule& s, const float* in, const float* dy,
                              float* dweight, void* memory) {
  Scratch pieces(memory);
  const GradientScratch scratch(s, pieces);
  const int64_t lanes = slice_lanes(s), inside = lanes > 1 ? 1 : s.lanes;
  parallel_lanes(s.slices, lanes, [&](int64_t index, int64_t lane) {
    Slice{s, scratch, in, dy, index, lane, inside}.run();
  });
  const int64_t panels = panel_count(s.out_channels), groups = in_groups(s.in_channels);
  std::atomic<bool> regular{true};
  parallel_lanes(panels * groups, s.lanes, [&](int64_t i, int64_t lane) {
    const int64_t from = i % groups * group, to = std::min(from + group, s.in_channels);
    const int64_t index = i / groups;
    join_slices(s, scratch, index, from, to);
    if (!write_kernels(s, scratch.sums + points * s.in_channels * panel * index, index, from, to,
                       dweight, scratch.strips + lane * scratch.strip_size))
      regular.store(false, std::memory_order_relaxed);
  });
  return regular;
}

}  // namespace gemel::kernels
