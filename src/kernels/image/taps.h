// Which source pixels a pixel of a resized image is made of, along one axis.
#pragma once
#include <cstdint>
#include <vector>

#include "kernels/image/resize.h"

namespace gemel::kernels {

// Pixel i of the result is the sum of weight[k] * source[k] for k in [begin[i], begin[i + 1]).
struct Taps {
  std::vector<int64_t> begin{0}, source;
  std::vector<float> weight;

  void add(int64_t at, float w) {
    source.push_back(at);
    weight.push_back(w);
  }
  void end_pixel() { begin.push_back(static_cast<int64_t>(source.size())); }
};

// Of an axis of `size` pixels that gets `new_size`. `averages` says whether `area` shrinks both
// axes; where it does not, it interpolates between two pixels.
Taps taps_of(int64_t size, int64_t new_size, Interpolation interpolation, bool averages);

}  // namespace gemel::kernels
