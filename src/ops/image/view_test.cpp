#include "ops/image/view.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

#include "kernels/image/resize.h"

namespace gemel::image {
namespace {

struct Pixels {
  int64_t height, width, channels;
  std::vector<uint8_t> bytes;
  const uint8_t* at(int64_t y, int64_t x) const { return &bytes[(y * width + x) * channels]; }
};

// Pixel (y, x) of the result is the one that `place(y, x)` names.
template <typename Place>
Pixels picked(const Pixels& from, int64_t height, int64_t width, const Place& place) {
  Pixels to{height, width, from.channels, {}};
  for (int64_t y = 0; y < height; ++y)
    for (int64_t x = 0; x < width; ++x) {
      const auto [v, u] = place(y, x);
      to.bytes.insert(to.bytes.end(), from.at(v, u), from.at(v, u) + from.channels);
    }
  return to;
}

// Random steps give the pixels of the same steps one after the other.
TEST(View, MovesPixelsOnce) {
  std::mt19937 generator(7);
  const auto draw = [&](int64_t low, int64_t high) {
    return low + static_cast<int64_t>(generator() % static_cast<uint64_t>(high - low + 1));
  };
  for (int round = 0; round < 300; ++round) {
    Pixels image{draw(1, 40), draw(1, 70), round % 2 ? 3 : 1, {}};
    image.bytes.resize(static_cast<size_t>(image.height * image.width * image.channels));
    for (uint8_t& byte : image.bytes) byte = static_cast<uint8_t>(generator());
    View view(image.height, image.width);
    Pixels expected = image;
    for (int step = 0; step < 5; ++step) {
      const int64_t h = expected.height, w = expected.width;
      using At = std::pair<int64_t, int64_t>;
      switch (draw(0, 3)) {
        case 0:
          view.flip(true);
          expected = picked(expected, h, w, [&](auto y, auto x) { return At(y, w - 1 - x); });
          break;
        case 1:
          view.flip(false);
          expected = picked(expected, h, w, [&](auto y, auto x) { return At(h - 1 - y, x); });
          break;
        case 2: {
          const int64_t top = draw(0, h - 1), left = draw(0, w - 1);
          const kernels::ImageRegion part{top, left, draw(1, h - top), draw(1, w - left)};
          view.crop(part);
          expected = picked(expected, part.height, part.width,
                            [&](auto y, auto x) { return At(top + y, left + x); });
          break;
        }
        default: {
          Pixels to{draw(1, 40), draw(1, 40), image.channels, {}};
          if (!view.resize(to.height, to.width)) break;
          to.bytes.resize(static_cast<size_t>(to.height * to.width * to.channels));
          kernels::resize(reinterpret_cast<const std::byte*>(expected.bytes.data()), {h, w},
                          reinterpret_cast<std::byte*>(to.bytes.data()), {to.height, to.width},
                          to.channels, DType::uint8, kernels::Interpolation::linear);
          expected = to;
        }
      }
    }
    ASSERT_EQ(view.height(), expected.height);
    ASSERT_EQ(view.width(), expected.width);
    std::vector<uint8_t> result(expected.bytes.size());
    view.run(image.bytes.data(), image.channels, result.data());
    ASSERT_EQ(result, expected.bytes) << "round " << round;
    if (!view.moves()) ASSERT_EQ(image.bytes, expected.bytes);
  }
}

TEST(View, RefusesWhatOnePassCannotDo) {
  View twice(20, 30);
  EXPECT_TRUE(twice.resize(9, 9));
  EXPECT_TRUE(twice.resize(9, 9));
  EXPECT_FALSE(twice.resize(8, 9));
  View half(20, 30);
  EXPECT_FALSE(half.resize(10, 15));  // averages
  half.crop({0, 0, 20, 29});
  EXPECT_TRUE(half.resize(10, 15));
  View turned(20, 30);
  turned.flip(true);
  EXPECT_FALSE(turned.resize(9, 9));
}

}  // namespace
}  // namespace gemel::image
