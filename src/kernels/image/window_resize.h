// A linear resize of images of bytes of which only a part is wanted.
#pragma once
#include <cstdint>

namespace gemel::kernels {

struct ImageRegion {
  int64_t top, left, height, width;
};

// `domain`, a part of an image, gets the size full_height x full_width; of that, `window` is
// wanted, in which left and right, or top and bottom, may be exchanged.
struct WindowResize {
  ImageRegion domain;
  int64_t full_height, full_width;
  ImageRegion window;
  bool mirror = false, upside_down = false;

  // Pixels that it depends on.
  ImageRegion needed() const;
  // Whether OpenCV averages here, which run() does not.
  bool halves() const { return domain.height == 2 * full_height && domain.width == 2 * full_width; }
  // `from` holds the pixels `held` of the image, at least those that are needed, of 1 or 3
  // channels. The result's pixels are those of OpenCV's linear resize.
  void run(const uint8_t* from, const ImageRegion& held, int64_t channels, uint8_t* to) const;
};

}  // namespace gemel::kernels
