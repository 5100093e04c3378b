#include "data/image_resize.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace gemel::data {
namespace {

Image random_image(std::mt19937& generator, int64_t height, int64_t width, int64_t channels) {
  Image image;
  image.allocate(height, width, channels);
  for (uint8_t& pixel : image.pixels) pixel = static_cast<uint8_t>(generator());
  return image;
}

// What run() gives is the window of the whole image's resize, from the needed pixels alone.
TEST(WindowResize, IsAPartOfTheWholeResize) {
  std::mt19937 generator(2);
  const auto draw = [&](int64_t low, int64_t high) {
    return low + static_cast<int64_t>(generator() % static_cast<uint64_t>(high - low + 1));
  };
  for (int round = 0; round < 200; ++round) {
    const int64_t channels = round % 2 ? 3 : 1;
    const Image image = random_image(generator, draw(2, 60), draw(2, 60), channels);
    WindowResize step{{0, 0, image.height, image.width}, draw(1, 70), draw(1, 70), {}, false};
    if (step.halves()) continue;
    step.window = {draw(0, step.full_height - 1), draw(0, step.full_width - 1), 0, 0};
    step.window.height = draw(1, step.full_height - step.window.top);
    step.window.width = draw(1, step.full_width - step.window.left);
    step.mirror = round % 3 == 0;
    step.upside_down = round % 5 == 0;

    const Region needed = step.needed();
    ASSERT_GE(needed.top, 0);
    ASSERT_LE(needed.top + needed.height, image.height);
    ASSERT_LE(needed.left + needed.width, image.width);
    Image part;  // nothing but what is needed
    part.allocate(needed.height, needed.width, channels);
    part.top = needed.top;
    part.left = needed.left;
    for (int64_t y = 0; y < part.height; ++y)
      std::copy_n(image.row(part.top + y) + part.left * channels, part.width * channels,
                  part.row(y));

    Image whole, result;
    resize_image(image, step.full_height, step.full_width, kernels::Interpolation::linear, whole);
    resize_window(step, part, result);
    ASSERT_EQ(result.height, step.window.height);
    ASSERT_EQ(result.width, step.window.width);
    if (step.mirror) mirror_image(result);
    if (step.upside_down)
      for (int64_t y = 0; y < result.height / 2; ++y)
        std::swap_ranges(result.row(y), result.row(y) + result.width * channels,
                         result.row(result.height - 1 - y));
    for (int64_t y = 0; y < result.height; ++y)
      for (int64_t x = 0; x < result.width * channels; ++x)
        ASSERT_EQ(result.row(y)[x], whole.row(step.window.top + y)[step.window.left * channels + x])
            << image.height << "x" << image.width << " to " << step.full_height << "x"
            << step.full_width;
  }
}

TEST(MirrorImage, ExchangesLeftAndRight) {
  Image image;
  image.allocate(1, 3, 3);
  for (size_t i = 0; i < 9; ++i) image.pixels[i] = static_cast<uint8_t>(i);
  mirror_image(image);
  EXPECT_EQ(image.pixels, (std::vector<uint8_t>{6, 7, 8, 3, 4, 5, 0, 1, 2}));
}

}  // namespace
}  // namespace gemel::data
