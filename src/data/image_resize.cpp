#include "data/image_resize.h"

#include <algorithm>
#include <cstring>

namespace gemel::data {

void shorter_edge(int64_t edge, int64_t& height, int64_t& width) {
  const int64_t shorter = std::min(height, width);
  height = height == shorter ? edge : edge * height / shorter;
  width = width == shorter ? edge : edge * width / shorter;
}

Interpolation choose_interpolation(int method, ImageRandom& random, int64_t height, int64_t width,
                                   int64_t to_height, int64_t to_width) {
  if (method == 10) method = static_cast<int>(random.integer(0, 4));
  if (method == 9)
    method = to_height > height && to_width > width   ? 2
             : to_height < height && to_width < width ? 3
                                                      : 1;
  return static_cast<Interpolation>(method);
}

void check_interpolation(const std::string& who, int method) {
  GEMEL_CHECK((method >= 0 && method <= 4) || method == 9 || method == 10,
              "[{}] inter_method: expected 0 to 4, 9 or 10, got {}", who, method);
}

void copy_part(const Image& from, const Region& part, Image& to, int64_t top, int64_t left) {
  const int64_t channels = from.channels;
  for (int64_t y = 0; y < part.height; ++y)
    std::memcpy(to.row(top + y) + left * channels, from.row(part.top + y) + part.left * channels,
                static_cast<size_t>(part.width * channels));
}

void resize_image(const Image& from, int64_t height, int64_t width,
                  kernels::Interpolation interpolation, Image& to) {
  to.allocate(height, width, from.channels);
  kernels::resize(reinterpret_cast<const std::byte*>(from.pixels.data()), {from.height, from.width},
                  reinterpret_cast<std::byte*>(to.pixels.data()), {height, width}, from.channels,
                  DType::uint8, interpolation);
}

void resize_window(const WindowResize& step, const Image& from, Image& to) {
  to.allocate(step.window.height, step.window.width, from.channels);
  step.run(from.pixels.data(), {from.top, from.left, from.height, from.width}, from.channels,
           to.pixels.data());
}

void mirror_image(Image& image) {
  const int64_t channels = image.channels;
  for (int64_t y = 0; y < image.height; ++y) {
    uint8_t* row = image.row(y);
    for (int64_t a = 0, b = image.width - 1; a < b; ++a, --b)
      std::swap_ranges(row + a * channels, row + (a + 1) * channels, row + b * channels);
  }
}

}  // namespace gemel::data
