// Images in another size: the interpolations of OpenCV, whose numbers 1.9.1's resizes have.
#pragma once
#include <cstddef>
#include <cstdint>

#include "base/dtype.h"

namespace gemel::kernels {

enum class Interpolation { nearest, linear, cubic, area, lanczos, linear_exact };

struct ImageSize {
  int64_t height, width;
};

// An image (height, width, channels), contiguous, in another size. Both sizes are at least 1, and
// the images do not overlap. Centres of pixels correspond (except for `nearest` and a growing
// `area`), and what lies outside is the nearest pixel of the border.
// `linear` to exactly half the size, and `area` to a smaller one, average what a pixel covers.
// Integers are rounded and kept in range; uint8 computes in fixed point as OpenCV does.
void resize(const std::byte* from, ImageSize from_size, std::byte* to, ImageSize to_size,
            int64_t channels, DType dtype, Interpolation interpolation);

}  // namespace gemel::kernels
