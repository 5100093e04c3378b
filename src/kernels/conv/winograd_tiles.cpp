#include "kernels/conv/winograd_tiles.h"

#include <cstring>

namespace gemel::kernels {
namespace winograd {
namespace {

// Tiles worth a block: enough that a panel of weights, which is fetched for each block, is used
// often; few enough that the transformed tiles stay in the cache shared by the cores.
constexpr int64_t least_block = 96, most_block = 240;
constexpr int64_t block_floats = 1 << 19;
// Rows of the products' inner kernel.
constexpr int64_t product_rows = 12;

int64_t round_up(int64_t value, int64_t unit) { return (value + unit - 1) / unit * unit; }

}  // namespace

int64_t strip_size(const WinogradSchedule& s) {
  const int64_t taps = group * s.kernel * s.kernel;  // of sixteen input channels
  return group * std::max(side * strip_width(s, s.tiles[1], side), taps);
}

void gather_strip(const float* image, const Plane& plane, int64_t channel, int64_t y, int64_t x,
                  int64_t rows, int64_t columns, float* strip) {
  const int64_t channels = std::min(group, plane.channels - channel);
  const int64_t first = std::clamp<int64_t>(-x, 0, columns);
  const int64_t last = std::clamp<int64_t>(plane.width - x, first, columns);
  const int64_t top = std::clamp<int64_t>(-y, 0, rows);
  const int64_t bottom = std::clamp<int64_t>(plane.height - y, top, rows);
  const int64_t area = plane.height * plane.width, row = columns * group;
  const auto clear = [](float* from, int64_t floats) {
    std::memset(from, 0, static_cast<size_t>(floats) * sizeof(float));
  };
  if (channels < group) {
    clear(strip, rows * row);
  } else {
    clear(strip, top * row);
    clear(strip + bottom * row, (rows - bottom) * row);
    for (int64_t r = top; r < bottom; ++r) {
      clear(strip + r * row, first * group);
      clear(strip + r * row + last * group, (columns - last) * group);
    }
  }
  if (bottom > top && last > first)
    simd::winograd_gather({channels, bottom - top, last - first, area, plane.width, row},
                          image + channel * area + (y + top) * plane.width + x + first,
                          strip + top * row + first * group);
}

void scatter_strip(const float* strip, const Plane& plane, int64_t channel, int64_t y, int64_t x,
                   int64_t rows, int64_t columns, float* image) {
  const int64_t area = plane.height * plane.width;
  simd::winograd_scatter(
      {std::min(group, plane.channels - channel), std::min(rows, plane.height - y),
       std::min(columns, plane.width - x), area, plane.width, columns * group},
      strip, image + channel * area + y * plane.width + x);
}

void transform_input(const WinogradSchedule& s, const float* in, const Segment& segment,
                     int64_t channel_group, float* spectrum, float* strip) {
  const int64_t columns = strip_width(s, segment.count, side);
  gather_strip(in + segment.image * s.in_channels * s.in[0] * s.in[1],
               {s.in_channels, s.in[0], s.in[1]}, channel_group * group,
               segment.y * s.tile - s.pad[0], segment.x * s.tile - s.pad[1], side, columns, strip);
  const int64_t channel = channel_group * group, first = channel / chunk * chunk;
  const int64_t row = chunk_width(s.in_channels, first);
  simd::winograd_to_points(
      simd::WinogradSquare::input, {strip, columns * group, group, s.tile * group}, segment.count,
      {spectrum + spectrum_place(s, 0, first) + segment.first * row + channel % chunk,
       spectrum_point(s.block, s.in_channels), row});
}

ConvolutionScratch::ConvolutionScratch(const WinogradSchedule& s, Scratch& scratch) {
  const bool alone = s.block_count() >= s.lanes;  // each lane works on blocks of its own
  spectrum_size = alone ? points * spectrum_point(s.block, s.in_channels) : 0;
  spectrum = scratch.take(points * spectrum_point(s.block, s.in_channels) * (alone ? s.lanes : 1));
  products_size = points * product_point(s.block);
  products = scratch.take(products_size * s.lanes);
  weights_size = s.resident ? 0 : points * s.in_channels * panel;
  weights = scratch.take(s.resident ? points * s.in_channels * padded(s.out_channels)
                                    : weights_size * s.lanes);
  strip_size = winograd::strip_size(s);
  strips = scratch.take(strip_size * s.lanes);
}

GradientScratch::GradientScratch(const WinogradSchedule& s, Scratch& scratch) {
  spectrum = scratch.take(points * spectrum_point(s.block, s.in_channels));
  heads_size = points * product_point(s.block);
  heads = scratch.take(heads_size * panel_count(s.out_channels));
  sums = scratch.take(points * s.in_channels * padded(s.out_channels));
  strip_size = winograd::strip_size(s);
  strips = scratch.take(strip_size * s.lanes);
}

}  // namespace winograd

bool winograd_applies(const ConvolutionGeometry& g) {
  if (g.axes != 2 || g.groups != 1 || g.in[0] != 1 || g.kernel[0] != 1) return false;
  if (g.batch < 1 || g.in_channels < 1 || g.out_channels < 1) return false;
  const int64_t k = g.kernel[1];
  if ((k != 3 && k != 5) || g.kernel[2] != k) return false;
  for (int a = 1; a < 3; ++a)
    if (g.stride[a] != 1 || g.dilate[a] != 1 || g.pad[a] >= k || g.in[a] < 1 || g.out[a] < 1)
      return false;
  return true;
}

WinogradSchedule winograd_schedule(const ConvolutionGeometry& g, WinogradPass pass, int threads) {
  WinogradSchedule s;
  s.pass = pass;
  s.kernel = g.kernel[1];
  s.tile = winograd::side + 1 - s.kernel;
  s.batch = g.batch;
  const bool turned = pass == WinogradPass::data;
  s.in_channels = turned ? g.out_channels : g.in_channels;
  s.out_channels = turned ? g.in_channels : g.out_channels;
  for (int a = 0; a < 2; ++a) {
    s.in[a] = turned ? g.out[a + 1] : g.in[a + 1];
    s.out[a] = turned ? g.in[a + 1] : g.out[a + 1];
    s.pad[a] = turned ? s.kernel - 1 - g.pad[a + 1] : g.pad[a + 1];
    s.tiles[a] = (s.out[a] + s.tile - 1) / s.tile;
  }
  s.lanes = threads;
  const int64_t floats = winograd::points * (winograd::padded(s.in_channels) + winograd::panel);
  s.block =
      std::clamp(winograd::block_floats / floats, winograd::least_block, winograd::most_block);
  if (pass == WinogradPass::weight) {
    // Independent of the number of threads: the order of the sums follows from it.
    s.block = std::min(s.block, s.tile_count());
    return s;
  }
  // Blocks of like sizes, the same number for each thread.
  int64_t blocks = winograd::round_up(s.block_count(), threads);
  if (s.tile_count() < 2 * threads * winograd::least_block) blocks = s.block_count();
  s.block = winograd::round_up((s.tile_count() + blocks - 1) / blocks, winograd::product_rows);
  s.block = std::min(s.block, s.tile_count());
  s.resident = s.block_count() > 1;
  return s;
}

int64_t winograd_workspace(const WinogradSchedule& s) {
  winograd::Scratch scratch(nullptr);
  if (s.pass == WinogradPass::weight)
    winograd::GradientScratch(s, scratch);
  else
    winograd::ConvolutionScratch(s, scratch);
  return scratch.bytes();
}

}  // namespace gemel::kernels
