#include "kernels/conv/winograd_tiles.h"

#include <cstring>
#include <utility>

namespace gemel::kernels {
namespace winograd {
namespace {

// Tiles worth a block: enough that a panel of weights, which is fetched for each block, is used
// often; few enough that the transformed tiles stay in the cache shared by the cores.
constexpr int64_t least_block = 96, most_block = 240;
constexpr int64_t block_floats = 1 << 19;
// The tiles of the gradient of the weight are summed in so many slices, of no fewer tiles than are
// worth joining their sums, while the sums of all take no more floats than this.
constexpr int64_t most_slices = 8, least_slice = 768, most_sums = 1 << 21;
// Rows of the products' inner kernel.
constexpr int64_t product_rows = 12;

int64_t round_up(int64_t value, int64_t unit) { return (value + unit - 1) / unit * unit; }

// Tiles of one block where about `blocks` are wanted: of like sizes, the same number for each
// thread, rather larger ones than a thread that waits for another. With fewer blocks than threads
// the threads share them.
int64_t balanced_block(int64_t tiles, int64_t blocks, int64_t threads) {
  const auto block = [&](int64_t count) {
    return round_up((tiles + count - 1) / count, product_rows);
  };
  if (blocks < threads) return block(blocks);
  int64_t each = blocks / threads;  // of one thread
  if (block(each * threads) > most_block) return block(++each * threads);
  while (threads > 1 && each > 1 && 20 * threads * each * block(each * threads) > 21 * tiles &&
         block((each - 1) * threads) <= most_block)
    --each;
  return block(each * threads);
}

}  // namespace

int64_t strip_size(const WinogradSchedule& s) {
  const int64_t taps = group * s.kernel * s.kernel;          // of sixteen input channels
  const int64_t outputs = 2 * s.tile * s.tile * s.tiles[1];  // with a residual
  return group * std::max({side * strip_width(s, s.tiles[1], side), taps, outputs});
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
  if (bottom <= top || last <= first) return;
  if (plane.blocked)
    for (int64_t r = top; r < bottom; ++r)
      std::memcpy(strip + r * row + first * group,
                  image + channel * area + ((y + r) * plane.width + x + first) * group,
                  static_cast<size_t>((last - first) * group) * sizeof(float));
  else
    simd::winograd_gather({channels, bottom - top, last - first, area, plane.width, row},
                          image + channel * area + (y + top) * plane.width + x + first,
                          strip + top * row + first * group);
}

void scatter_strip(const float* strip, const Plane& plane, int64_t channel, int64_t y, int64_t x,
                   int64_t rows, int64_t columns, float* image) {
  const int64_t area = plane.height * plane.width;
  if (plane.blocked) {
    for (int64_t r = 0; r < std::min(rows, plane.height - y); ++r)
      std::memcpy(image + channel * area + ((y + r) * plane.width + x) * group,
                  strip + r * columns * group,
                  static_cast<size_t>(std::min(columns, plane.width - x) * group) * sizeof(float));
    return;
  }
  simd::winograd_scatter(
      {std::min(group, plane.channels - channel), std::min(rows, plane.height - y),
       std::min(columns, plane.width - x), area, plane.width, columns * group},
      strip, image + channel * area + y * plane.width + x);
}

namespace {

// Tiles of a segment whose windows, `side` elements from x * tile - pad on, lie inside of `size`
// elements: those from the first to the second.
std::pair<int64_t, int64_t> inner_tiles(const Segment& segment, int64_t tile, int64_t pad,
                                        int64_t window, int64_t size) {
  const int64_t first = (pad + tile - 1) / tile;
  const int64_t last = size + pad < window ? 0 : (size + pad - window) / tile + 1;
  const int64_t from = std::clamp<int64_t>(first - segment.x, 0, segment.count);
  return {from, std::clamp<int64_t>(last - segment.x, from, segment.count)};
}

// Tiles [first, last) of a segment as a segment.
Segment part(const Segment& segment, int64_t first, int64_t last) {
  return {segment.image, segment.y, segment.x + first, last - first, segment.first + first};
}

}  // namespace

void transform_input(const WinogradSchedule& s, const float* in, const Segment& segment,
                     int64_t channel_group, float* spectrum, float* strip) {
  const int64_t channel = channel_group * group, first = channel / chunk * chunk;
  const int64_t row = chunk_width(s.in_channels, first);
  const Plane plane = in_plane(s);
  const float* image = in + segment.image * plane.size();
  const auto transform = [&](const Segment& tiles, float* windows, int64_t line) {
    simd::winograd_to_points(
        simd::WinogradSquare::input, {windows, line, group, s.tile * group}, tiles.count,
        {spectrum + spectrum_place(s, 0, first) + tiles.first * row + channel % chunk,
         spectrum_point(s.block, s.in_channels), row});
  };
  const auto through_strip = [&](const Segment& tiles) {
    if (tiles.count == 0) return;
    const int64_t columns = strip_width(s, tiles.count, side);
    gather_strip(image, plane, channel, tiles.y * s.tile - s.pad[0], tiles.x * s.tile - s.pad[1],
                 side, columns, strip);
    transform(tiles, strip, columns * group);
  };
  const int64_t y = segment.y * s.tile - s.pad[0];
  if (!plane.blocked || y < 0 || y + side > plane.height) return through_strip(segment);
  const auto [from, to] = inner_tiles(segment, s.tile, s.pad[1], side, plane.width);
  through_strip(part(segment, 0, from));
  if (to > from)  // the windows are read where they are
    transform(part(segment, from, to),
              const_cast<float*>(image) + channel * plane.height * plane.width +
                  (y * plane.width + (segment.x + from) * s.tile - s.pad[1]) * group,
              plane.width * group);
  through_strip(part(segment, to, segment.count));
}

bool transform_output(const WinogradSchedule& s, const Segment& segment, int64_t channel,
                      const simd::WinogradSpectrum& products, const ConvolutionEpilogue& epilogue,
                      float* out, float* strip) {
  const Plane plane = out_plane(s);
  float bias[group] = {};
  if (epilogue.bias)
    std::copy_n(epilogue.bias + channel, std::min(group, s.out_channels - channel), bias);
  const float* const added = epilogue.bias ? bias : nullptr;
  const int64_t image = segment.image * plane.size(), y = segment.y * s.tile;
  const auto products_of = [&](const Segment& tiles) {
    const int64_t skipped = tiles.first - segment.first;
    return simd::WinogradSpectrum{products.values + skipped * products.step, products.point,
                                  products.step};
  };
  const auto through_strip = [&](const Segment& tiles) {
    if (tiles.count == 0) return true;
    const int64_t columns = tiles.count * s.tile, x = tiles.x * s.tile;
    float* residual = nullptr;
    if (epilogue.residual) {
      residual = strip + s.tile * columns * group;
      gather_strip(epilogue.residual + image, plane, channel, y, x, s.tile, columns, residual);
    }
    const bool regular =
        simd::winograd_from_points(output_square(s), products_of(tiles), tiles.count,
                                   {strip, columns * group, group, s.tile * group},
                                   {.bias = added, .residual = residual, .relu = epilogue.relu});
    scatter_strip(strip, plane, channel, y, x, s.tile, columns, out + image);
    return regular;
  };
  if (!plane.blocked || y + s.tile > plane.height) return through_strip(segment);
  const int64_t whole = inner_tiles(segment, s.tile, 0, s.tile, plane.width).second;
  bool regular = true;
  if (whole > 0) {
    const Segment tiles = part(segment, 0, whole);
    const int64_t place =
        image + channel * plane.height * plane.width + (y * plane.width + tiles.x * s.tile) * group;
    regular &= simd::winograd_from_points(
        output_square(s), products_of(tiles), tiles.count,
        {out + place, plane.width * group, group, s.tile * group},
        {.bias = added,
         .residual = epilogue.residual ? epilogue.residual + place : nullptr,
         .relu = epilogue.relu});
  }
  regular &= through_strip(part(segment, whole, segment.count));
  return regular;
}

ConvolutionScratch::ConvolutionScratch(const WinogradSchedule& s, Scratch& scratch) {
  const bool alone = s.block_count() >= s.lanes;  // each lane works on blocks of its own
  spectrum_size = alone ? points * spectrum_point(s.block, s.in_channels) : 0;
  spectrum = scratch.take(points * spectrum_point(s.block, s.in_channels) * (alone ? s.lanes : 1));
  products_size = points * product_point(s.block);
  products = scratch.take(products_size * s.lanes);
  weights_size = s.resident ? 0 : weights_chunk;
  const int64_t chunks = panel_count(s.out_channels) * ((s.in_channels + chunk - 1) / chunk);
  weights = scratch.take(weights_chunk * (s.resident ? chunks : s.lanes));
  strip_size = winograd::strip_size(s);
  strips = scratch.take(strip_size * s.lanes);
}

GradientScratch::GradientScratch(const WinogradSchedule& s, Scratch& scratch) {
  const int64_t lanes = slice_lanes(s);
  spectrum_size = points * spectrum_point(s.block, s.in_channels);
  spectrum = scratch.take(spectrum_size * lanes);
  heads_size = points * product_point(s.block);
  heads = scratch.take(heads_size * panel_count(s.out_channels) * lanes);
  sums_size = points * s.in_channels * padded(s.out_channels);
  sums = scratch.take(sums_size * s.slices);
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

WinogradSchedule winograd_schedule(const ConvolutionGeometry& g, ConvolutionPass pass,
                                   const WinogradOptions& options) {
  WinogradSchedule s;
  s.pass = pass;
  s.prepared = options.prepared;
  s.blocked_in = options.blocked_in;
  s.blocked_out = options.blocked_out;
  const int64_t threads = options.threads;
  s.kernel = g.kernel[1];
  s.tile = winograd::side + 1 - s.kernel;
  s.batch = g.batch;
  const bool turned = pass == ConvolutionPass::data;
  s.in_channels = turned ? g.out_channels : g.in_channels;
  s.out_channels = turned ? g.in_channels : g.out_channels;
  for (int a = 0; a < 2; ++a) {
    s.in[a] = turned ? g.out[a + 1] : g.in[a + 1];
    s.out[a] = turned ? g.in[a + 1] : g.out[a + 1];
    s.pad[a] = turned ? s.kernel - 1 - g.pad[a + 1] : g.pad[a + 1];
    s.tiles[a] = (s.out[a] + s.tile - 1) / s.tile;
  }
  s.lanes = threads;
  // The gradient of the weight holds all panels of a block at once.
  const int64_t beside =
      pass == ConvolutionPass::weight ? winograd::padded(s.out_channels) : winograd::panel;
  const int64_t floats = winograd::points * (winograd::padded(s.in_channels) + beside);
  s.block =
      std::clamp(winograd::block_floats / floats, winograd::least_block, winograd::most_block);
  if (pass == ConvolutionPass::weight) {
    // Independent of the number of threads: the order of the sums follows from it.
    s.block = std::min(s.block, s.tile_count());
    const int64_t sums = winograd::points * s.in_channels * winograd::padded(s.out_channels);
    while (s.slices < winograd::most_slices &&
           2 * s.slices * winograd::least_slice <= s.tile_count() &&
           2 * s.slices * sums <= winograd::most_sums)
      s.slices *= 2;
    // Blocks of like sizes, the same number for each slice.
    const int64_t blocks = winograd::round_up(s.block_count(), s.slices);
    s.block = (s.tile_count() + blocks - 1) / blocks;
    return s;
  }
  s.block = winograd::balanced_block(s.tile_count(), s.block_count(), threads);
  s.block = std::min(s.block, s.tile_count());
  s.resident = s.block_count() > 1;
  return s;
}

int64_t winograd_workspace(const WinogradSchedule& s) {
  winograd::Scratch scratch(nullptr);
  if (s.pass == ConvolutionPass::weight)
    winograd::GradientScratch(s, scratch);
  else
    winograd::ConvolutionScratch(s, scratch);
  return scratch.bytes();
}

}  // namespace gemel::kernels
