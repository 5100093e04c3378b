// The decoders behind image_codec.h.
#pragma once
#include <memory>

#include "data/image_codec.h"

namespace gemel::data {

class FormatDecoder {
 public:
  virtual ~FormatDecoder() = default;
  // Reads the header; sets height and width, before the orientation is applied.
  virtual void open(std::span<const std::byte> bytes, std::string_view name) = 0;
  // After open(): height and width become `eighths` (1, 2, 4 or 8) eighths, rounded up, where the
  // format can decode so.
  virtual void reduce(int eighths) {}
  virtual void decode(int64_t channels, Image& image, const Region* region) = 0;
  int64_t height = 0, width = 0;
  int orientation = 1;  // EXIF's number, 1 to 8
};

std::unique_ptr<FormatDecoder> make_jpeg_decoder();
std::unique_ptr<FormatDecoder> make_png_decoder();

// EXIF's orientation in the content of a JPEG's APP1 segment; 1 where it says nothing.
int exif_orientation(std::span<const uint8_t> segment);

}  // namespace gemel::data
