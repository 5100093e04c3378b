#include "data/image_codec.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "base/error.h"

namespace gemel::data {
namespace {

Image smooth_image(int64_t height, int64_t width, int64_t channels) {
  Image image;
  image.allocate(height, width, channels);
  for (int64_t y = 0; y < height; ++y)
    for (int64_t x = 0; x < width; ++x)
      for (int64_t c = 0; c < channels; ++c)
        image.row(y)[x * channels + c] =
            static_cast<uint8_t>(128 + 100 * std::sin(0.05 * (x + c * 20)) * std::cos(0.07 * y));
  return image;
}

std::span<const std::byte> bytes_of(const std::string& text) {
  return std::as_bytes(std::span(text));
}

TEST(ImageCodec, PngKeepsEveryPixel) {
  for (int64_t channels : {1, 3}) {
    const Image image = smooth_image(37, 53, channels);
    const Image read = decode_image(bytes_of(encode_png(image, 3)), channels, "memory");
    EXPECT_EQ(read.height, 37);
    EXPECT_EQ(read.width, 53);
    EXPECT_EQ(read.pixels, image.pixels);
  }
  const Image gray = smooth_image(8, 9, 1);
  const Image color = decode_image(bytes_of(encode_png(gray, 9)), 3, "memory");
  for (size_t i = 0; i < color.pixels.size(); ++i) EXPECT_EQ(color.pixels[i], gray.pixels[i / 3]);
}

TEST(ImageCodec, JpegKeepsPixelsAlmost) {
  for (int64_t channels : {1, 3}) {
    const Image image = smooth_image(67, 83, channels);
    const Image read = decode_image(bytes_of(encode_jpeg(image, 97)), channels, "memory");
    ASSERT_EQ(read.pixels.size(), image.pixels.size());
    int worst = 0;
    for (size_t i = 0; i < read.pixels.size(); ++i)
      worst = std::max(worst, std::abs(read.pixels[i] - image.pixels[i]));
    EXPECT_LE(worst, 12);
  }
}

TEST(ImageCodec, RegionHoldsThePixelsOfTheWhole) {
  std::mt19937 generator(3);
  const Image image = smooth_image(203, 301, 3);
  const std::string bytes = encode_jpeg(image, 80);
  const Image whole = decode_image(bytes_of(bytes), 3, "memory");
  ImageDecoder decoder;
  Image part;
  for (int round = 0; round < 200; ++round) {
    const Region region{static_cast<int64_t>(generator() % 200),
                        static_cast<int64_t>(generator() % 300), 0, 0};
    Region r = region;
    r.height = 1 + static_cast<int64_t>(generator() % (203 - r.top));
    r.width = 1 + static_cast<int64_t>(generator() % (301 - r.left));
    decoder.open(bytes_of(bytes), "memory");
    EXPECT_EQ(decoder.width(), 301);
    decoder.decode(3, part, &r);
    ASSERT_LE(part.top, r.top);
    ASSERT_LE(part.left, r.left);
    ASSERT_GE(part.top + part.height, r.top + r.height);
    ASSERT_GE(part.left + part.width, r.left + r.width);
    for (int64_t y = 0; y < r.height; ++y)
      ASSERT_EQ(0, std::memcmp(part.row(y + r.top - part.top) + 3 * (r.left - part.left),
                               whole.row(y + r.top) + 3 * r.left, static_cast<size_t>(3 * r.width)))
          << r.top << " " << r.left << " " << r.height << " " << r.width << " row " << y;
  }
}

// The header that says how the camera was held.
std::string with_orientation(const std::string& jpeg, char orientation) {
  using namespace std::string_literals;
  const std::string body =
      "Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0"s + orientation + "\0\0\0\0\0\0"s;
  return jpeg.substr(0, 2) + "\xff\xe1"s + '\0' + static_cast<char>(body.size() + 2) + body +
         jpeg.substr(2);
}

TEST(ImageCodec, OrientationIsApplied) {
  const std::string jpeg = encode_jpeg(smooth_image(16, 24, 3), 95);
  const Image plain = decode_image(bytes_of(jpeg), 3, "memory");
  const auto pixel = [](const Image& image, int64_t y, int64_t x) { return image.row(y)[3 * x]; };
  for (char orientation = 1; orientation <= 8; ++orientation) {
    const Image turned = decode_image(bytes_of(with_orientation(jpeg, orientation)), 3, "memory");
    EXPECT_EQ(turned.height, orientation >= 5 ? 24 : 16);
    // Where the corner that was at the top left stands now.
    const bool bottom =
        orientation == 3 || orientation == 4 || orientation == 7 || orientation == 8;
    const bool right = orientation == 2 || orientation == 3 || orientation == 6 || orientation == 7;
    EXPECT_EQ(pixel(turned, bottom ? turned.height - 1 : 0, right ? turned.width - 1 : 0),
              pixel(plain, 0, 0))
        << int{orientation};
  }
}

TEST(ImageCodec, DamageIsAnError) {
  const Image image = smooth_image(60, 70, 3);
  std::mt19937 generator(5);
  ImageDecoder decoder;  // one for all: an error leaves it usable
  Image read;
  const auto attempt = [&](const std::string& bytes) {
    try {
      decoder.open(bytes_of(bytes), "the image");
      decoder.decode(3, read);
      return true;
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::Input);
      EXPECT_NE(std::string(error.what()).find("the image"), std::string::npos);
      return false;
    }
  };
  for (const std::string& bytes : {encode_jpeg(image, 90), encode_png(image, 3)}) {
    EXPECT_TRUE(attempt(bytes));
    for (size_t size = 0; size + 40 < bytes.size(); size += 7)
      EXPECT_FALSE(attempt(bytes.substr(0, size)));
    for (int round = 0; round < 1500; ++round) {
      std::string damaged = bytes;
      for (int n = 1 + generator() % 3; n > 0; --n)
        damaged[generator() % damaged.size()] ^= static_cast<char>(1 << generator() % 8);
      attempt(damaged);  // an error, or other pixels
    }
    EXPECT_TRUE(attempt(bytes));
  }
  EXPECT_FALSE(attempt("GIF89a is of another kind"));
  EXPECT_FALSE(attempt(""));
}

}  // namespace
}  // namespace gemel::data
