// What the passes of Winograd's method share: the layout of scratch memory, and the way between
// images (batch, channel, height, width) and strips, in which sixteen channels lie side by side.
#pragma once
#include <algorithm>

#include "kernels/conv/winograd.h"
#include "simd/winograd.h"

namespace gemel::kernels::winograd {

inline constexpr int64_t points = simd::winograd_points;
inline constexpr int64_t group = simd::winograd_channels;
inline constexpr int64_t side = 6;    // of the window that a tile is computed from
inline constexpr int64_t panel = 32;  // output channels that are multiplied at a time
// Floats between neighbours that would else be a power of two apart and meet in one cache set.
inline constexpr int64_t skew = 16;

inline int64_t in_groups(int64_t channels) { return (channels + group - 1) / group; }
inline int64_t padded(int64_t channels) { return in_groups(channels) * group; }
inline int64_t panel_count(int64_t channels) { return (channels + panel - 1) / panel; }
inline int64_t panel_width(int64_t channels, int64_t index) {
  return std::min(panel, padded(channels) - index * panel);
}

// Input channels whose products are summed one after the other, before their sum joins the total:
// what keeps the error of many channels near that of few.
inline constexpr int64_t chunk = 128;
inline int64_t chunk_width(int64_t channels, int64_t first) {
  return std::min(chunk, padded(channels) - first);
}

// Transformed tiles of the input: point, chunk of channels, tile, channel of the chunk.
inline int64_t spectrum_point(int64_t tiles, int64_t channels) {
  return tiles * padded(channels) + 5 * skew;
}
// Where a point's values of the chunk that begins at channel `first` are.
inline int64_t spectrum_place(const WinogradSchedule& s, int64_t point, int64_t first) {
  return point * spectrum_point(s.block, s.in_channels) + first * s.block;
}
// Products, or transformed tiles of the output: point, tile, channel of one panel.
inline int64_t product_point(int64_t tiles) { return tiles * panel + 5 * skew; }

// Transformed weights of one panel and one chunk: point, input channel, output channel.
struct WeightPlace {
  float* values;
  int64_t point;  // floats from one point to the next
};
inline constexpr int64_t weights_chunk = points * (chunk * panel + skew);
// From input channels [first, last) of `weight`, plain or prepared; `strip` is scratch memory.
void transform_weights(const WinogradSchedule& s, const float* weight, int64_t index, int64_t first,
                       int64_t last, const WeightPlace& to, float* strip);

// Tiles of one row of one image that belong to a block.
struct Segment {
  int64_t image, y, x, count;  // its first tile, in tiles
  int64_t first;               // the same as a place in the block
};

// Calls f(segment) for the tiles [first, last) of the whole batch.
template <typename F>
void segments(const WinogradSchedule& s, int64_t first, int64_t last, F&& f) {
  const int64_t width = s.tiles[1], all = s.tiles[0] * width;
  for (int64_t t = first; t < last;) {
    const int64_t x = t % width, count = std::min(width - x, last - t);
    f(Segment{t / all, t % all / width, x, count, t - first});
    t += count;
  }
}

// Part of an image: rows from `y`, columns from `x` (which may be outside, where all is 0).
struct Plane {
  int64_t channels, height, width;  // of the image
  bool blocked = false;
  int64_t size() const { return (blocked ? padded(channels) : channels) * height * width; }
};
inline Plane in_plane(const WinogradSchedule& s) {
  return {s.in_channels, s.in[0], s.in[1], s.blocked_in};
}
inline Plane out_plane(const WinogradSchedule& s) {
  return {s.out_channels, s.out[0], s.out[1], s.blocked_out};
}

// Elements of a strip: the windows of a segment as one piece of the image.
inline int64_t strip_width(const WinogradSchedule& s, int64_t tiles, int64_t window) {
  return (tiles - 1) * s.tile + window;
}
int64_t strip_size(const WinogradSchedule& s);

// Sixteen channels from `channel` on, of rows x columns elements; lanes without a channel are 0.
void gather_strip(const float* image, const Plane& plane, int64_t channel, int64_t y, int64_t x,
                  int64_t rows, int64_t columns, float* strip);
// The other way; what lies outside of the image is dropped.
void scatter_strip(const float* strip, const Plane& plane, int64_t channel, int64_t y, int64_t x,
                   int64_t rows, int64_t columns, float* image);

inline simd::WinogradSquare kernel_square(const WinogradSchedule& s) {
  return s.kernel == 3 ? simd::WinogradSquare::kernel3 : simd::WinogradSquare::kernel5;
}
inline simd::WinogradSquare output_square(const WinogradSchedule& s) {
  return s.kernel == 3 ? simd::WinogradSquare::output4 : simd::WinogradSquare::output2;
}

// Transforms sixteen channels of the input's tiles of a segment; `strip` is scratch memory.
void transform_input(const WinogradSchedule& s, const float* in, const Segment& segment,
                     int64_t channel_group, float* spectrum, float* strip);

// Sixteen output channels from `channel` on of the tiles of a segment, from their products to the
// result. False: some element is not finite or too large.
bool transform_output(const WinogradSchedule& s, const Segment& segment, int64_t channel,
                      const simd::WinogradSpectrum& products, const ConvolutionEpilogue& epilogue,
                      float* out, float* strip);

// Hands out pieces of scratch memory in order; without memory it only counts.
class Scratch {
 public:
  explicit Scratch(void* memory) : memory_(static_cast<float*>(memory)) {}
  float* take(int64_t floats) {
    float* const piece = memory_ ? memory_ + used_ : nullptr;
    used_ += (floats + skew - 1) / skew * skew;
    return piece;
  }
  int64_t bytes() const { return used_ * static_cast<int64_t>(sizeof(float)); }

 private:
  float* memory_;
  int64_t used_ = 0;
};

// The scratch memory of the passes forward and data.
struct ConvolutionScratch {
  float *spectrum, *products, *weights, *strips;
  int64_t spectrum_size, products_size, weights_size, strip_size;  // of one lane; 0: shared
  ConvolutionScratch(const WinogradSchedule& s, Scratch& scratch);
};
// Threads that take slices of their own; more threads than slices share each block instead.
inline int64_t slice_lanes(const WinogradSchedule& s) { return s.lanes > s.slices ? 1 : s.lanes; }
// Of the gradient of the weight.
struct GradientScratch {
  float *spectrum, *heads, *sums, *strips;
  // Of one lane of slice_lanes; of one panel; of one slice; of one lane.
  int64_t spectrum_size, heads_size, sums_size, strip_size;
  GradientScratch(const WinogradSchedule& s, Scratch& scratch);
};

}  // namespace gemel::kernels::winograd
