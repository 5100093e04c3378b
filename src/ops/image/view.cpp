#include "ops/image/view.h"

#include <cstring>

#include "kernels/parallel.h"
#include "simd/image_loops.h"

namespace gemel::image {

View::View(int64_t height, int64_t width)
    : full_width_(width), step_{{0, 0, height, width}, height, width, {0, 0, height, width}} {}

void View::crop(const kernels::ImageRegion& part) {
  kernels::ImageRegion& seen = resized_ ? step_.window : step_.domain;
  const int64_t top = step_.upside_down ? seen.height - part.top - part.height : part.top;
  const int64_t left = step_.mirror ? seen.width - part.left - part.width : part.left;
  moves_ |= part.height != seen.height || part.width != seen.width;
  seen = {seen.top + top, seen.left + left, part.height, part.width};
}

void View::flip(bool left_right) {
  moves_ = true;
  (left_right ? step_.mirror : step_.upside_down) ^= true;
}

bool View::resize(int64_t height, int64_t width) {
  if (height == this->height() && width == this->width()) return true;
  if (resized_ || step_.mirror || step_.upside_down) return false;
  kernels::WindowResize step = step_;
  step.full_height = height;
  step.full_width = width;
  step.window = {0, 0, height, width};
  if (step.halves()) return false;
  step_ = step;
  return resized_ = moves_ = true;
}

void View::run(const uint8_t* from, int64_t channels, uint8_t* to) const {
  const kernels::ImageRegion& part = step_.domain;
  if (resized_)
    return step_.run(from + (part.top * full_width_ + part.left) * channels,
                     {part.top, part.left, part.height, full_width_}, channels, to);
  const int64_t row = part.width * channels;
  kernels::parallel_for(part.height, row, [&](int64_t y) {
    const uint8_t* source = from + ((part.top + y) * full_width_ + part.left) * channels;
    uint8_t* target = to + (step_.upside_down ? part.height - 1 - y : y) * row;
    if (!step_.mirror)
      std::memcpy(target, source, static_cast<size_t>(row));
    else if (channels == 3)
      simd::reverse_rgb(source, target, static_cast<size_t>(part.width));
    else
      for (int64_t x = 0; x < part.width; ++x) target[part.width - 1 - x] = source[x];
  });
}

}  // namespace gemel::image
