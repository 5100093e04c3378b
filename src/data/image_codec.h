// JPEG and PNG images as pixels and back.
//
//   ImageDecoder decoder;                       // keeps its memory from image to image
//   decoder.open(bytes, "a.rec, record 7");
//   decoder.decode(3, image);                   // RGB
//
// Damaged bytes are an Error(Input) that names them; nothing aborts. Pixels are OpenCV's: libjpeg's
// accurate DCT and smooth chroma, the orientation of the EXIF header applied, alpha and the lower
// half of 16 bits dropped.
#pragma once
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/export.h"
#include "kernels/image/window_resize.h"

namespace gemel::data {

// Rows from the top, pixels from the left, channels beside each other: 1 (gray) or 3 (RGB).
struct Image {
  int64_t height = 0, width = 0, channels = 0;
  int64_t top = 0, left = 0;  // of these pixels in the image that was decoded
  std::vector<uint8_t> pixels;

  void allocate(int64_t rows, int64_t columns, int64_t depth) {
    height = rows;
    width = columns;
    channels = depth;
    top = left = 0;
    pixels.resize(static_cast<size_t>(rows * columns * depth));
  }
  const uint8_t* row(int64_t y) const { return pixels.data() + y * width * channels; }
  uint8_t* row(int64_t y) { return pixels.data() + y * width * channels; }
};

using Region = kernels::ImageRegion;

// Decodes what is neither JPEG nor PNG: an image of 1 or 3 channels, without pixels where it
// cannot. Set by a binding whose language has such a decoder; called by any thread.
using OtherDecoder = Image (*)(std::span<const std::byte> bytes, int64_t channels);
GEMEL_EXPORT void set_other_decoder(OtherDecoder decoder);

class GEMEL_EXPORT ImageDecoder {
 public:
  ImageDecoder();
  ~ImageDecoder();
  // Reads the header; `bytes` must live until decode(). `name` stands for them in messages.
  void open(std::span<const std::byte> bytes, std::string_view name);
  // After open(), for a JPEG image of which less than half is needed in each direction: decode it
  // at the smallest of 1/2, 1/4 and 1/8 whose shorter edge is not below `shorter_edge`. That is
  // faster, and each pixel is about the mean of those that it stands for.
  void reduce_to(int64_t shorter_edge);
  // As decode() gives it.
  int64_t height() const;
  int64_t width() const;
  // Once after open(). With a region, `image` holds at least that part: its `top` and `left` say
  // where it begins. Pixels inside of the region are those of the whole image.
  void decode(int64_t channels, Image& image, const Region* region = nullptr);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

GEMEL_EXPORT Image decode_image(std::span<const std::byte> bytes, int64_t channels,
                                std::string_view name);
// `quality` is 1 to 100; colours are sampled at half the resolution.
GEMEL_EXPORT std::string encode_jpeg(const Image& image, int quality);
// `compression` is 0 to 9.
GEMEL_EXPORT std::string encode_png(const Image& image, int compression);

}  // namespace gemel::data
