// Rows of a uint8 image with 1 or 3 channels, resized along the width by linear interpolation in
// fixed point: what blends of two rows are made of.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "simd/image_loops.h"

namespace gemel::kernels {

class LinearRows {
 public:
  // Source rows have `width` pixels; `pixels` says which two of them make each pixel of a result.
  LinearRows(std::span<const simd::PixelPair> pixels, int64_t width, int64_t channels);

  // Row y, whose pixels are at `source`. Valid until a row that is even if y is even, or odd if y
  // is odd, is asked for: neighbours are there together, and most rows are made once for two uses.
  const int16_t* row(int64_t y, const uint8_t* source);

 private:
  std::span<const simd::PixelPair> pixels_;
  int64_t channels_;
  size_t bytes_;
  std::vector<uint8_t> padded_;  // the vector loop reads behind a row's end
  std::vector<int16_t> rows_[2];
  int64_t held_[2] = {-1, -1};
};

}  // namespace gemel::kernels
