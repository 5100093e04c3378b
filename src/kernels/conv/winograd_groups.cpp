#include "kernels/conv/winograd_groups.h"

#include <algorithm>
#include <atomic>
#include <vector>

#include "kernels/blocks.h"
#include "kernels/gemm/scratch.h"
#include "kernels/parallel.h"
#include "simd/winograd_planes.h"

namespace gemel::kernels {
namespace {

using simd::WinogradRun;
using simd::WinogradRuns;
using simd::WinogradSquare;

constexpr int64_t points = simd::winograd_points, lanes = simd::winograd_lanes;
constexpr int64_t tile = 4, side = 6, taps = 9, most_channels = 64;
// Vectors of tiles that are worked on together: the second cache holds their points.
constexpr int64_t block_floats = 1 << 17, most_vectors = 6, most_summed = 24;
// Floats between points, which would else meet in one cache set.
constexpr int64_t skew = 16;

// The planes of one array, all channels of all images, and the tiles that lie over them.
struct Planes {
  int64_t channels = 0, height = 0, width = 0;  // of an image, of a plane
  int64_t pad[2] = {0, 0};                      // from a plane's edge to the first window's
  int64_t plane() const { return height * width; }
};

struct Tiles {
  int64_t batch, count[2];                              // down and across
  int64_t pairs() const { return (count[1] + 1) / 2; }  // across
  int64_t all_pairs() const { return batch * count[0] * pairs(); }
  int64_t vectors() const { return blocks_of(all_pairs(), lanes / 2); }
};
Tiles tiles_of(int64_t batch, const int64_t (&out)[3]) {
  return {batch, {blocks_of(out[1], tile), blocks_of(out[2], tile)}};
}

// Columns [0, 8) from `x` on that are in [0, width), as bits.
uint16_t columns_inside(int64_t x, int64_t width) {
  const int64_t from = std::clamp<int64_t>(-x, 0, 8), to = std::clamp<int64_t>(width - x, from, 8);
  return static_cast<uint16_t>((1 << to) - (1 << from));
}

// One pair of tiles, as the first or the second of a run.
void place_pair(const Tiles& tiles, const Planes& planes, int64_t pair, int64_t rows, bool second,
                WinogradRun& run) {
  const int64_t across = tiles.pairs(), row = pair / across;
  const int64_t y = row % tiles.count[0] * tile - planes.pad[0];
  const int64_t x = pair % across * 2 * tile - planes.pad[1];
  const int64_t place =
      row / tiles.count[0] * planes.channels * planes.plane() + y * planes.width + x;
  const int shift = second ? 8 : 0;
  const bool joins = second && pair % across != 0;
  if (!second) run.low = run.high = place;
  if (second && !joins) run.high = place - 8;
  if (second) run.joined = joins;
  for (int64_t r = 0; r < rows; ++r) {
    if (y + r < 0 || y + r >= planes.height) continue;
    auto& mask = second && !joins ? run.high_mask[r] : run.low_mask[r];
    auto& next = second && !joins ? run.high_next[r] : run.low_next[r];
    mask = static_cast<uint16_t>(mask | columns_inside(x, planes.width) << shift);
    next = static_cast<uint16_t>(next | columns_inside(x + tile, planes.width) << shift);
  }
}

// The places of vector `index` of the tiles in planes whose windows have so many rows.
WinogradRuns runs_of(const Tiles& tiles, const Planes& planes, int64_t index, int64_t rows) {
  WinogradRuns runs;
  for (int64_t i = 0; i < lanes / 2; ++i) {
    const int64_t pair = index * lanes / 2 + i;
    if (pair >= tiles.all_pairs()) break;
    place_pair(tiles, planes, pair, rows, i % 2 == 1, runs.run[i / 2]);
  }
  return runs;
}

// All vectors of the tiles: every group works on the same places of its own planes.
std::vector<WinogradRuns> all_runs(const Tiles& tiles, const Planes& planes, int64_t rows) {
  std::vector<WinogradRuns> runs;
  for (int64_t i = 0; i < tiles.vectors(); ++i) runs.push_back(runs_of(tiles, planes, i, rows));
  return runs;
}

// The windows of `channels` channels from `first` on and of `count` vectors of tiles.
void transform(WinogradSquare square, const Planes& planes, const float* array, int64_t first,
               int64_t channels, const WinogradRuns* runs, int64_t count, float* to, int64_t step) {
  for (int64_t c = 0; c < channels; ++c)
    for (int64_t v = 0; v < count; ++v)
      simd::winograd_planes().to_points(square, array + (first + c) * planes.plane(), planes.width,
                                        runs[v], to + (c * count + v) * lanes, step);
}

// A convolution of stride 1; for the gradient of data that of dy, with the kernels turned.
struct Convolution {
  int64_t groups, in, out;  // channels of a group
  Tiles tiles;
  Planes from, to;
  bool turned;  // weight has input and output channels the other way round
  std::vector<WinogradRuns> from_runs, to_runs;

  Convolution(int64_t groups, int64_t in, int64_t out, const Tiles& tiles, const Planes& from,
              const Planes& to, bool turned)
      : groups(groups),
        in(in),
        out(out),
        tiles(tiles),
        from(from),
        to(to),
        turned(turned),
        from_runs(all_runs(tiles, from, side)),
        to_runs(all_runs(tiles, to, tile)) {}

  int64_t out_blocks() const { return blocks_of(out, lanes); }
  int64_t left_step() const { return in * lanes + skew; }
  int64_t left_block() const { return points * left_step(); }
  int64_t together() const {
    return std::clamp<int64_t>(block_floats / (points * (in + out) * lanes), 1,
                               std::min(most_vectors, tiles.vectors()));
  }

  // The kernels of one group at the points, sixteen output channels side by side.
  void transform_weight(const float* weight, float* strip, float* left) const {
    for (int64_t o = 0; o < out; o += lanes, left += left_block()) {
      const int64_t count = std::min(lanes, out - o);
      if (count < lanes) std::fill_n(strip, in * taps * lanes, 0.0f);
      if (turned)
        simd::winograd_gather({count, in, taps, taps, out * taps, taps * lanes}, weight + o * taps,
                              strip);
      else
        simd::winograd_gather({count, 1, in * taps, in * taps, 0, 0}, weight + o * in * taps,
                              strip);
      simd::WinogradWindows windows{strip, 3 * lanes, lanes, taps * lanes};
      if (turned) windows = {strip + (taps - 1) * lanes, -3 * lanes, -lanes, taps * lanes};
      simd::winograd_to_points(WinogradSquare::kernel3, windows, in, {left, left_step(), lanes});
    }
  }

  bool run_group(int64_t group, const float* array, const float* weight, const float* bias,
                 float* result) const {
    const int64_t most = together();
    const int64_t in_step = in * most * lanes + skew, out_step = out * most * lanes + skew;
    const FloatScratch scratch(out_blocks() * left_block() + in * taps * lanes +
                               points * (in_step + out_step));
    float* const left = scratch.data();
    float* const strip = left + out_blocks() * left_block();
    float* const spectrum = strip + in * taps * lanes;
    float* const products = spectrum + points * in_step;
    transform_weight(weight + group * in * out * taps, strip, left);
    bool regular = true;
    for (int64_t first = 0; first < tiles.vectors() && regular; first += most) {
      const int64_t count = std::min(most, tiles.vectors() - first);
      const auto at = static_cast<size_t>(first);
      transform(WinogradSquare::input, from, array, group * in, in, &from_runs[at], count, spectrum,
                in_step);
      for (int64_t o = 0; o < out; o += lanes)
        simd::winograd_planes().product({std::min(lanes, out - o), in, count,
                                         left + o / lanes * left_block(), left_step(), spectrum,
                                         in_step, products + o * count * lanes, out_step});
      for (int64_t o = 0; o < out; ++o)
        for (int64_t v = 0; v < count; ++v)
          regular &= simd::winograd_planes().from_points(
              products + (o * count + v) * lanes, out_step, bias ? bias[group * out + o] : 0.0f,
              to_runs[at + static_cast<size_t>(v)], result + (group * out + o) * to.plane(),
              to.width);
    }
    return regular;
  }

  bool run(const float* array, const float* weight, const float* bias, float* result) const {
    std::atomic<bool> regular{true};
    parallel_for(groups, in * out * tiles.vectors() * points, [&](int64_t group) {
      if (!run_group(group, array, weight, bias, result))
        regular.store(false, std::memory_order_relaxed);
    });
    return regular;
  }
};

Planes in_planes(const ConvolutionGeometry& g, bool padded) {
  return {g.in_channels, g.in[1], g.in[2], {padded ? g.pad[1] : 0, padded ? g.pad[2] : 0}};
}
Planes out_planes(const ConvolutionGeometry& g) {
  return {g.out_channels, g.out[1], g.out[2], {0, 0}};
}

struct WeightGradient {
  int64_t in, out;  // channels of a group
  Tiles tiles;
  Planes from, heads;
  std::vector<WinogradRuns> from_runs, head_runs;

  explicit WeightGradient(const ConvolutionGeometry& g)
      : in(g.group_in()),
        out(g.group_out()),
        tiles(tiles_of(g.batch, g.out)),
        from(in_planes(g, true)),
        heads(out_planes(g)),
        from_runs(all_runs(tiles, from, side)),
        head_runs(all_runs(tiles, heads, tile)) {}

  bool run_group(int64_t group, const float* data, const float* dy, float* dweight) const {
    const int64_t padded = blocks_of(out, lanes) * lanes;
    const int64_t most = std::clamp<int64_t>(block_floats / (points * (in + out) * lanes), 1,
                                             std::min(most_summed, tiles.vectors()));
    const int64_t in_step = in * most * lanes + skew, out_step = out * most * lanes + skew;
    const int64_t sums_step = in * padded;
    const FloatScratch scratch(points * (in_step + out_step + sums_step) + in * taps * lanes);
    float* const spectrum = scratch.data();
    float* const head = spectrum + points * in_step;
    float* const sums = head + points * out_step;
    float* const strip = sums + points * sums_step;
    std::fill_n(sums, points * sums_step, 0.0f);
    for (int64_t first = 0; first < tiles.vectors(); first += most) {
      const int64_t count = std::min(most, tiles.vectors() - first);
      const auto at = static_cast<size_t>(first);
      transform(WinogradSquare::input, from, data, group * in, in, &from_runs[at], count, spectrum,
                in_step);
      transform(WinogradSquare::output4, heads, dy, group * out, out, &head_runs[at], count, head,
                out_step);
      simd::winograd_planes().dots(
          {in, out, count, spectrum, in_step, head, out_step, sums, sums_step, padded});
    }
    bool regular = true;
    for (int64_t o = 0; o < out; o += lanes) {
      regular &= simd::winograd_from_points(WinogradSquare::kernel3, {sums + o, sums_step, padded},
                                            in, {strip, 3 * lanes, lanes, taps * lanes});
      simd::winograd_scatter({std::min(lanes, out - o), 1, in * taps, in * taps, 0, 0}, strip,
                             dweight + (group * out + o) * in * taps);
    }
    return regular;
  }
};

}  // namespace

bool winograd_groups_serves(const ConvolutionGeometry& g) {
  if (g.axes != 2 || g.groups < 2 || g.in[0] != 1 || g.kernel[0] != 1 || g.batch < 1) return false;
  for (int a = 1; a < 3; ++a)
    if (g.kernel[a] != 3 || g.stride[a] != 1 || g.dilate[a] != 1 || g.pad[a] > 2 || g.in[a] < 1 ||
        g.out[a] < 1)
      return false;
  return std::max(g.group_in(), g.group_out()) <= most_channels && g.group_in() > 0 &&
         g.group_out() > 0 && simd::winograd_planes().product;
}

double winograd_groups_fill(const ConvolutionGeometry& g, ConvolutionPass pass) {
  const auto& size = pass == ConvolutionPass::data ? g.in : g.out;
  const Tiles tiles = tiles_of(g.batch, size);
  return static_cast<double>(g.batch * size[1] * size[2]) /
         static_cast<double>(tiles.vectors() * lanes * tile * tile);
}

bool winograd_groups_convolution(const ConvolutionGeometry& g, const float* data,
                                 const float* weight, const float* bias, float* out) {
  const Convolution c(g.groups, g.group_in(), g.group_out(), tiles_of(g.batch, g.out),
                      in_planes(g, true), out_planes(g), false);
  return c.run(data, weight, bias, out);
}

bool winograd_groups_data(const ConvolutionGeometry& g, const float* dy, const float* weight,
                          float* dx) {
  Planes heads = out_planes(g);
  for (int a = 0; a < 2; ++a) heads.pad[a] = 2 - g.pad[a + 1];
  const Convolution c(g.groups, g.group_out(), g.group_in(), tiles_of(g.batch, g.in), heads,
                      in_planes(g, false), true);
  return c.run(dy, weight, nullptr, dx);
}

bool winograd_groups_weight(const ConvolutionGeometry& g, const float* data, const float* dy,
                            float* dweight) {
  std::atomic<bool> regular{true};
  const WeightGradient gradient(g);
  const int64_t steps = g.group_in() * g.group_out() * points * gradient.tiles.vectors();
  parallel_for(g.groups, steps, [&](int64_t group) {
    if (!gradient.run_group(group, data, dy, dweight))
      regular.store(false, std::memory_order_relaxed);
  });
  return regular;
}

}  // namespace gemel::kernels
