#include "data/image_codec.h"

#include <algorithm>
#include <atomic>
#include <cstring>

#include "base/error.h"
#include "data/image_formats.h"

namespace gemel::data {
namespace {

bool begins_with(std::span<const std::byte> bytes, std::string_view start) {
  return bytes.size() >= start.size() && std::memcmp(bytes.data(), start.data(), start.size()) == 0;
}

// Pixel (y, x) of the result is the one that EXIF's orientation says.
void orient(Image& image, int orientation) {
  const bool exchange = orientation >= 5;
  Image turned;
  turned.allocate(exchange ? image.width : image.height, exchange ? image.height : image.width,
                  image.channels);
  for (int64_t y = 0; y < turned.height; ++y) {
    for (int64_t x = 0; x < turned.width; ++x) {
      int64_t row = exchange ? x : y, column = exchange ? y : x;
      if (orientation == 3 || orientation == 4 || orientation == 7 || orientation == 6)
        row = image.height - 1 - row;
      if (orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8)
        column = image.width - 1 - column;
      std::copy_n(image.row(row) + column * image.channels, image.channels,
                  turned.row(y) + x * image.channels);
    }
  }
  image = std::move(turned);
}

std::atomic<OtherDecoder> other_decoder = nullptr;

// What another decoder makes: all of it at once, since its header is not known here.
class OtherFormat final : public FormatDecoder {
 public:
  void open(std::span<const std::byte> bytes, std::string_view name) override {
    bytes_ = bytes;
    const OtherDecoder decode = other_decoder;
    image_ = decode ? decode(bytes, 3) : Image{};
    GEMEL_CHECK(image_.height > 0 && image_.width > 0,
                "{}: expected a JPEG or PNG image, got {} bytes of another kind", name,
                bytes.size());
    height = image_.height;
    width = image_.width;
  }
  void decode(int64_t channels, Image& image, const Region*) override {
    image = channels == 3 ? std::move(image_) : other_decoder.load()(bytes_, channels);
    GEMEL_CHECK(image.channels == channels, "[decode] expected {} channels", channels);
  }

 private:
  std::span<const std::byte> bytes_;
  Image image_;
};

}  // namespace

void set_other_decoder(OtherDecoder decoder) { other_decoder = decoder; }

int exif_orientation(std::span<const uint8_t> segment) {
  constexpr size_t start = 6;  // behind "Exif\0\0"
  if (segment.size() < start + 8 || std::memcmp(segment.data(), "Exif\0", 6) != 0) return 1;
  const auto tiff = segment.subspan(start);
  const bool big = tiff[0] == 'M';
  const auto number = [&](size_t at, int bytes) -> uint32_t {
    uint32_t value = 0;
    if (at + bytes > tiff.size()) return 0;
    for (int i = 0; i < bytes; ++i)
      value |= static_cast<uint32_t>(tiff[at + i]) << 8 * (big ? bytes - 1 - i : i);
    return value;
  };
  const size_t directory = number(4, 4);
  if (directory + 2 > tiff.size()) return 1;
  const uint32_t entries = number(directory, 2);
  for (uint32_t i = 0; i < entries && directory + 14 + 12 * size_t{i} <= tiff.size(); ++i) {
    const size_t entry = directory + 2 + 12 * size_t{i};
    if (number(entry, 2) != 0x112) continue;
    const uint32_t value = number(entry + 8, 2);
    return value >= 1 && value <= 8 ? static_cast<int>(value) : 1;
  }
  return 1;
}

struct ImageDecoder::State {
  std::unique_ptr<FormatDecoder> jpeg, png, other;
  FormatDecoder* current = nullptr;
};

ImageDecoder::ImageDecoder() : state_(std::make_unique<State>()) {}
ImageDecoder::~ImageDecoder() = default;

void ImageDecoder::open(std::span<const std::byte> bytes, std::string_view name) {
  state_->current = nullptr;
  GEMEL_CHECK(!bytes.empty(), "{}: expected an image, got no bytes", name);
  std::unique_ptr<FormatDecoder>* decoder = nullptr;
  if (begins_with(bytes, "\xff\xd8\xff")) {
    decoder = &state_->jpeg;
    if (!*decoder) *decoder = make_jpeg_decoder();
  } else if (begins_with(bytes, "\x89PNG\r\n\x1a\n")) {
    decoder = &state_->png;
    if (!*decoder) *decoder = make_png_decoder();
  } else {
    decoder = &state_->other;
    if (!*decoder) *decoder = std::make_unique<OtherFormat>();
  }
  (*decoder)->open(bytes, name);
  state_->current = decoder->get();
}

int64_t ImageDecoder::height() const {
  return state_->current->orientation >= 5 ? state_->current->width : state_->current->height;
}
int64_t ImageDecoder::width() const {
  return state_->current->orientation >= 5 ? state_->current->height : state_->current->width;
}

void ImageDecoder::reduce_to(int64_t shorter_edge) {
  const int64_t size = std::min(height(), width());
  int eighths = 8;
  while (eighths > 1 && size * eighths / 16 >= shorter_edge) eighths /= 2;
  if (eighths < 8) state_->current->reduce(eighths);
}

void ImageDecoder::decode(int64_t channels, Image& image, const Region* region) {
  GEMEL_ASSERT(state_->current);
  GEMEL_CHECK(channels == 1 || channels == 3, "[decode] expected 1 or 3 channels, got {}",
              channels);
  const bool turned = state_->current->orientation != 1;
  state_->current->decode(channels, image, turned ? nullptr : region);
  if (turned) orient(image, state_->current->orientation);
}

Image decode_image(std::span<const std::byte> bytes, int64_t channels, std::string_view name) {
  ImageDecoder decoder;
  Image image;
  decoder.open(bytes, name);
  decoder.decode(channels, image);
  return image;
}

}  // namespace gemel::data
