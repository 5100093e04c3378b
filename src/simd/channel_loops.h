// Vector loops of LRN over a stretch of one channel, chosen once for the CPU at hand. `lines` are
// the same stretch of the `count` channels around it.
#pragma once
#include <cstddef>

namespace gemel::simd {

// s = offset + weight * (sum of the lines); what is taken of it is its power -beta.
struct ChannelWindow {
  const float* const* lines;
  size_t count;
  float offset, weight, beta;
};

struct ChannelLoops {
  void (*squares)(const float* x, float* out, size_t n);
  // out = x s^-beta, where the lines are squares; out may be x.
  void (*normalize)(const ChannelWindow& w, const float* x, float* out, size_t n);
  // scaled = dy s^-beta and ratio = dy x s^(-beta - 1), where the lines are squares.
  void (*ratios)(const ChannelWindow& w, const float* dy, const float* x, float* scaled,
                 float* ratio, size_t n);
  // out = scaled - weight x (sum of the lines), where the lines are ratios.
  void (*gradient)(const ChannelWindow& w, const float* scaled, const float* x, float* out,
                   size_t n);
};

// Safe from any thread.
const ChannelLoops& channel_loops();

}  // namespace gemel::simd
