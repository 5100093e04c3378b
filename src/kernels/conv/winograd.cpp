#include "kernels/conv/winograd.h"

#include <atomic>
#include <cstring>

#include "kernels/conv/winograd_tiles.h"
#include "kernels/parallel.h"
#include "simd/small_product.h"

namespace gemel::kernels {
namespace {

using namespace winograd;

// Weights of input channels [first, last) and the output channels of one panel, at the points:
// point, input channel, output channel of the panel.
void transform_weights(const WinogradSchedule& s, const float* weight, int64_t index, int64_t first,
                       int64_t last, float* to, float* strip) {
  const int64_t taps = s.kernel * s.kernel, width = panel_width(s.out_channels, index);
  const int64_t line = s.kernel * group, square = taps * group;
  for (int64_t half = 0; half < width; half += group) {
    const int64_t o = index * panel + half, lanes = std::min(group, s.out_channels - o);
    if (lanes < group) std::memset(strip, 0, group * square * sizeof(float));
    for (int64_t i = first; i < last; i += group) {
      const int64_t count = std::min(group, last - i);
      simd::WinogradWindows windows{strip, line, group, square};
      if (s.pass == WinogradPass::forward) {
        simd::winograd_gather({lanes, 1, count * taps, s.in_channels * taps, 0, 0},
                              weight + (o * s.in_channels + i) * taps, strip);
      } else {  // input and output change places, and the kernel is read from its end
        simd::winograd_gather({lanes, count, taps, taps, s.out_channels * taps, square},
                              weight + (i * s.out_channels + o) * taps, strip);
        windows = {strip + (taps - 1) * group, -line, -group, square};
      }
      simd::winograd_to_points(kernel_square(s), windows, count,
                               {to + i * width + half, s.in_channels * width, width});
    }
  }
}

// One call: its arrays and its scratch memory.
struct Convolution {
  const WinogradSchedule& s;
  const float *in, *weight;
  const ConvolutionEpilogue& epilogue;
  float* out;
  ConvolutionScratch scratch;

  float* strip(int64_t lane) const { return scratch.strips + lane * scratch.strip_size; }
  // Transformed weights of a panel.
  float* weights(int64_t index, int64_t lane) const {
    if (s.resident) return scratch.weights + points * s.in_channels * panel * index;
    return scratch.weights + lane * scratch.weights_size;
  }

  void transform_block(int64_t block, float* spectrum, int64_t channel_group, float* strip) const {
    const int64_t first = block * s.block, last = std::min(first + s.block, s.tile_count());
    segments(s, first, last, [&](const Segment& segment) {
      transform_input(s, in, segment, channel_group, spectrum, strip);
    });
  }

  // The products of one block with one panel, and the part of the result that follows from them.
  bool finish_panel(int64_t block, int64_t index, const float* spectrum, int64_t lane) const {
    const int64_t first = block * s.block, last = std::min(first + s.block, s.tile_count());
    const int64_t width = panel_width(s.out_channels, index);
    float* products = scratch.products + lane * scratch.products_size;
    const float* panel_weights = weights(index, lane);
    for (int64_t p = 0; p < points; ++p)
      for (int64_t k = 0; k < s.in_channels; k += chunk)
        simd::small_product({.m = last - first,
                             .n = width,
                             .k = std::min(chunk, s.in_channels - k),
                             .a = spectrum + spectrum_place(s, p, k),
                             .a_row = chunk_width(s.in_channels, k),
                             .a_step = 1,
                             .b = panel_weights + (p * s.in_channels + k) * width,
                             .b_row = width,
                             .c = products + p * product_point(s.block),
                             .c_row = width,
                             .accumulate = k > 0});
    bool regular = true;
    for (int64_t half = 0; half < width; half += group)
      segments(s, first, last, [&](const Segment& segment) {
        regular &= write_output(
            segment, index * panel + half,
            {products + segment.first * width + half, product_point(s.block), width}, strip(lane));
      });
    return regular;
  }

  bool write_output(const Segment& segment, int64_t channel, const simd::WinogradSpectrum& products,
                    float* strip) const {
    const int64_t columns = segment.count * s.tile;
    float bias[group] = {};
    if (epilogue.bias)
      std::copy_n(epilogue.bias + channel, std::min(group, s.out_channels - channel), bias);
    const bool regular = simd::winograd_from_points(
        output_square(s), products, segment.count, {strip, columns * group, group, s.tile * group},
        {.bias = epilogue.bias ? bias : nullptr, .relu = epilogue.relu});
    scatter_strip(strip, {s.out_channels, s.out[0], s.out[1]}, channel, segment.y * s.tile,
                  segment.x * s.tile, s.tile, columns,
                  out + segment.image * s.out_channels * s.out[0] * s.out[1]);
    return regular;
  }
};

}  // namespace

bool winograd_convolution(const WinogradSchedule& s, const float* in, const float* weight,
                          const ConvolutionEpilogue& epilogue, float* out, void* memory) {
  Scratch scratch(memory);
  const Convolution c{s, in, weight, epilogue, out, ConvolutionScratch(s, scratch)};
  const int64_t panels = panel_count(s.out_channels), blocks = s.block_count();
  const int64_t channel_groups = in_groups(s.in_channels);
  std::atomic<bool> regular{true};
  const auto note = [&](bool fine) {
    if (!fine) regular.store(false, std::memory_order_relaxed);
  };
  if (s.resident)
    parallel_lanes(panels * channel_groups, s.lanes, [&](int64_t i, int64_t lane) {
      const int64_t from = i % channel_groups * group;
      transform_weights(s, weight, i / channel_groups, from, std::min(from + group, s.in_channels),
                        c.weights(i / channel_groups, lane), c.strip(lane));
    });
  if (blocks >= s.lanes) {
    parallel_lanes(blocks, s.lanes, [&](int64_t block, int64_t lane) {
      if (!regular.load(std::memory_order_relaxed)) return;
      float* spectrum = c.scratch.spectrum + lane * c.scratch.spectrum_size;
      for (int64_t g = 0; g < channel_groups; ++g)
        c.transform_block(block, spectrum, g, c.strip(lane));
      for (int64_t index = 0; index < panels; ++index) {
        if (!s.resident)
          transform_weights(s, weight, index, 0, s.in_channels, c.weights(index, lane),
                            c.strip(lane));
        note(c.finish_panel(block, index, spectrum, lane));
      }
    });
    return regular;
  }
  // Few tiles: the threads share a block, and divide its channels among them.
  for (int64_t block = 0; block < blocks; ++block) {
    parallel_lanes(channel_groups, s.lanes, [&](int64_t g, int64_t lane) {
      c.transform_block(block, c.scratch.spectrum, g, c.strip(lane));
    });
    parallel_lanes(panels, s.lanes, [&](int64_t index, int64_t lane) {
      if (!s.resident)
        transform_weights(s, weight, index, 0, s.in_channels, c.weights(index, lane),
                          c.strip(lane));
      note(c.finish_panel(block, index, c.scratch.spectrum, lane));
    });
  }
  return regular;
}

}  // namespace gemel::kernels
