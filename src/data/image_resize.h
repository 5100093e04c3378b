// Parts of images in another size.
#pragma once
#include "data/image_codec.h"
#include "kernels/image/resize.h"

namespace gemel::data {

// The whole image in another size.
void resize_image(const Image& from, int64_t height, int64_t width,
                  kernels::Interpolation interpolation, Image& to);

// A linear resize of which only a part is wanted. `domain`, a part of the image, gets the size
// full_height x full_width; of that, `window` is wanted.
struct WindowResize {
  Region domain;
  int64_t full_height, full_width;
  Region window;
  bool mirror;

  // Pixels that it depends on.
  Region needed() const;
  // Whether OpenCV averages here, which run() does not.
  bool halves() const { return domain.height == 2 * full_height && domain.width == 2 * full_width; }
  // `from` holds at least what is needed (see Image::top and left). The pixels are those of
  // OpenCV's linear resize.
  void run(const Image& from, Image& to) const;
};

// Left and right exchanged, in place.
void mirror_image(Image& image);

}  // namespace gemel::data
