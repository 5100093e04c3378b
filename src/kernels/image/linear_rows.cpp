#include "kernels/image/linear_rows.h"

#include <cstring>

namespace gemel::kernels {

LinearRows::LinearRows(std::span<const simd::PixelPair> pixels, int64_t width, int64_t channels)
    : pixels_(pixels),
      channels_(channels),
      bytes_(static_cast<size_t>(width * channels)),
      padded_(bytes_ + 16) {
  for (auto& row : rows_) row.resize(pixels.size() * static_cast<size_t>(channels) + 8);
}

const int16_t* LinearRows::row(int64_t y, const uint8_t* source) {
  const int which = static_cast<int>(y & 1);
  int16_t* const to = rows_[which].data();
  if (held_[which] != y) {
    std::memcpy(padded_.data(), source, bytes_);
    (channels_ == 3 ? simd::resize_row_rgb : simd::resize_row_gray)(padded_.data(), pixels_.data(),
                                                                    to, pixels_.size());
    held_[which] = y;
  }
  return to;
}

}  // namespace gemel::kernels
