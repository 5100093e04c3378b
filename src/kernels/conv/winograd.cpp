#include "kernels/conv/winograd.h"

#include <atomic>

#include "kernels/conv/winograd_tiles.h"
#include "kernels/parallel.h"
#include "simd/small_product.h"

namespace gemel::kernels {
namespace {

using namespace winograd;

// One call: its arrays and its scratch memory.
struct Convolution {
  const WinogradSchedule& s;
  const float *in, *weight;
  const ConvolutionEpilogue& epilogue;
  float* out;
  ConvolutionScratch scratch;

  float* strip(int64_t lane) const { return scratch.strips + lane * scratch.strip_size; }
  // Where the transformed weights of a panel and a chunk of input channels are.
  WeightPlace weights(int64_t index, int64_t k, int64_t lane) const {
    const int64_t point = chunk_width(s.in_channels, k) * panel_width(s.out_channels, index) + skew;
    if (!s.resident) return {scratch.weights + lane * scratch.weights_size, point};
    const int64_t chunks = (s.in_channels + chunk - 1) / chunk;
    return {scratch.weights + (index * chunks + k / chunk) * weights_chunk, point};
  }
  void prepare_weights(int64_t index, int64_t k, int64_t lane) const {
    transform_weights(s, weight, index, k, std::min(k + chunk, s.in_channels),
                      weights(index, k, lane), strip(lane));
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
    for (int64_t k = 0; k < s.in_channels; k += chunk) {
      if (!s.resident) prepare_weights(index, k, lane);
      const WeightPlace place = weights(index, k, lane);
      for (int64_t p = 0; p < points; ++p)
        simd::small_product({.m = last - first,
                             .n = width,
                             .k = std::min(chunk, s.in_channels - k),
                             .a = spectrum + spectrum_place(s, p, k),
                             .a_row = chunk_width(s.in_channels, k),
                             .a_step = 1,
                             .b = place.values + p * place.point,
                             .b_row = width,
                             .c = products + p * product_point(s.block),
                             .c_row = width,
                             .accumulate = k > 0});
    }
    bool regular = true;
    for (int64_t half = 0; half < width; half += group)
      segments(s, first, last, [&](const Segment& segment) {
        regular &= transform_output(
            s, segment, index * panel + half,
            {products + segment.first * width + half, product_point(s.block), width}, epilogue, out,
            strip(lane));
      });
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
  if (s.resident) {
    const int64_t chunks = (s.in_channels + chunk - 1) / chunk;
    parallel_lanes(panels * chunks, s.lanes, [&](int64_t i, int64_t lane) {
      c.prepare_weights(i / chunks, i % chunks * chunk, lane);
    });
  }
  if (blocks >= s.lanes) {
    parallel_lanes(blocks, s.lanes, [&](int64_t block, int64_t lane) {
      if (!regular.load(std::memory_order_relaxed)) return;
      float* spectrum = c.scratch.spectrum + lane * c.scratch.spectrum_size;
      for (int64_t g = 0; g < channel_groups; ++g)
        c.transform_block(block, spectrum, g, c.strip(lane));
      for (int64_t index = 0; index < panels; ++index)
        note(c.finish_panel(block, index, spectrum, lane));
    });
    return regular;
  }
  // Few tiles: the threads share a block, and divide its channels among them.
  for (int64_t block = 0; block < blocks; ++block) {
    parallel_lanes(channel_groups, s.lanes, [&](int64_t g, int64_t lane) {
      c.transform_block(block, c.scratch.spectrum, g, c.strip(lane));
    });
    parallel_lanes(panels, s.lanes, [&](int64_t index, int64_t lane) {
      note(c.finish_panel(block, index, c.scratch.spectrum, lane));
    });
  }
  return regular;
}

}  // namespace gemel::kernels
