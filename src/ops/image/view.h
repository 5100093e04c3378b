// What of an image of bytes is wanted after crops, a linear resize and flips: none of them moves a
// pixel before run().
#pragma once
#include "kernels/image/window_resize.h"

namespace gemel::image {

class View {
 public:
  View(int64_t height, int64_t width);

  int64_t height() const { return resized_ ? step_.window.height : step_.domain.height; }
  int64_t width() const { return resized_ ? step_.window.width : step_.domain.width; }
  bool moves() const { return moves_; }

  // Of what is seen so far.
  void crop(const kernels::ImageRegion& part);
  void flip(bool left_right);
  // False where the pixels of a resize in one go would not be those of one after the other.
  bool resize(int64_t height, int64_t width);

  void run(const uint8_t* from, int64_t channels, uint8_t* to) const;

 private:
  int64_t full_width_;
  kernels::WindowResize step_;
  bool resized_ = false, moves_ = false;
};

}  // namespace gemel::image
