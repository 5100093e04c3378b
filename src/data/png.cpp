// PNG through libpng, whose errors are jumps, as in jpeg.cpp.
#include <png.h>

#include <csetjmp>
#include <cstring>

#include "base/error.h"
#include "data/image_formats.h"

namespace gemel::data {
namespace {

struct PngErrors {
  std::jmp_buf jump;
  char message[200];
};

[[noreturn]] void on_error(png_structp png, png_const_charp text) {
  auto* errors = static_cast<PngErrors*>(png_get_error_ptr(png));
  std::strncpy(errors->message, text, sizeof errors->message - 1);
  std::longjmp(errors->jump, 1);
}

void on_warning(png_structp, png_const_charp) {}

class PngDecoder final : public FormatDecoder {
 public:
  ~PngDecoder() override { close(); }

  void open(std::span<const std::byte> bytes, std::string_view name) override {
    close();
    name_ = name;
    left_ = bytes;
    png_ = png_create_read_struct(PNG_LIBPNG_VER_STRING, &errors_, on_error, on_warning);
    if (png_) info_ = png_create_info_struct(png_);
    if (!info_) fail(ErrorKind::Memory, "libpng: no memory");
    if (setjmp(errors_.jump)) refuse();
    png_set_read_fn(png_, this, [](png_structp png, png_bytep target, size_t count) {
      auto* self = static_cast<PngDecoder*>(png_get_io_ptr(png));
      if (count > self->left_.size()) png_error(png, "the data end too early");
      std::memcpy(target, self->left_.data(), count);
      self->left_ = self->left_.subspan(count);
    });
    png_read_info(png_, info_);
    width = png_get_image_width(png_, info_);
    height = png_get_image_height(png_, info_);
    // Deflate packs a thousand bytes into one at best.
    GEMEL_CHECK(width * height / 8 <= static_cast<int64_t>(bytes.size()) * 1100,
                "{}: truncated or damaged: {} bytes are no PNG image of {}x{}", name_, bytes.size(),
                width, height);
  }

  void decode(int64_t channels, Image& image, const Region*) override {
    image.allocate(height, width, channels);
    rows_.resize(static_cast<size_t>(height));
    if (setjmp(errors_.jump)) refuse();
    set_transformations(channels);
    if (static_cast<int64_t>(png_get_rowbytes(png_, info_)) != width * channels)
      png_error(png_, "pixels of an unknown form");
    for (int64_t y = 0; y < height; ++y) rows_[y] = image.row(y);
    png_read_image(png_, rows_.data());
    png_read_end(png_, nullptr);
    close();
  }

 private:
  void set_transformations(int64_t channels) {
    png_set_expand(png_);
    png_set_strip_16(png_);
    png_set_strip_alpha(png_);
    const int color = png_get_color_type(png_, info_);
    const bool is_color = color & PNG_COLOR_MASK_COLOR;
    if (channels == 3 && !is_color) png_set_gray_to_rgb(png_);
    if (channels == 1 && is_color) png_set_rgb_to_gray(png_, PNG_ERROR_ACTION_NONE, 0.299, 0.587);
    png_set_interlace_handling(png_);
    png_read_update_info(png_, info_);
  }

  void close() {
    if (png_) png_destroy_read_struct(&png_, &info_, nullptr);
    png_ = nullptr;
    info_ = nullptr;
  }

  [[noreturn]] void refuse() {
    close();
    fail(ErrorKind::Input, "{}: truncated or damaged PNG image: {}", name_, errors_.message);
  }

  PngErrors errors_{};
  png_structp png_ = nullptr;
  png_infop info_ = nullptr;
  std::string name_;
  std::span<const std::byte> left_;
  std::vector<png_bytep> rows_;
};

}  // namespace

std::unique_ptr<FormatDecoder> make_png_decoder() { return std::make_unique<PngDecoder>(); }

std::string encode_png(const Image& image, int compression) {
  GEMEL_CHECK(compression >= 0 && compression <= 9,
              "[encode] expected a compression from 0 to 9, got {}", compression);
  GEMEL_CHECK(image.height > 0 && image.width > 0, "[encode] expected an image with pixels");
  struct Output {
    PngErrors errors{};
    png_structp png = nullptr;
    png_infop info = nullptr;
    std::string bytes;
    ~Output() { png_destroy_write_struct(&png, &info); }
  } output;
  output.png = png_create_write_struct(PNG_LIBPNG_VER_STRING, &output.errors, on_error, on_warning);
  if (output.png) output.info = png_create_info_struct(output.png);
  if (!output.info) fail(ErrorKind::Memory, "libpng: no memory");
  if (setjmp(output.errors.jump))
    fail(ErrorKind::Input, "[encode] no PNG image: {}", output.errors.message);
  png_set_write_fn(
      output.png, &output,
      [](png_structp png, png_bytep data, size_t count) {
        static_cast<Output*>(png_get_io_ptr(png))
            ->bytes.append(reinterpret_cast<const char*>(data), count);
      },
      nullptr);
  png_set_IHDR(output.png, output.info, static_cast<png_uint_32>(image.width),
               static_cast<png_uint_32>(image.height), 8,
               image.channels == 1 ? PNG_COLOR_TYPE_GRAY : PNG_COLOR_TYPE_RGB, PNG_INTERLACE_NONE,
               PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  png_set_compression_level(output.png, compression);
  png_set_compression_strategy(output.png, 0);  // zlib's default, as OpenCV does: the same bytes
  png_write_info(output.png, output.info);
  for (int64_t y = 0; y < image.height; ++y) png_write_row(output.png, image.row(y));
  png_write_end(output.png, nullptr);
  return std::move(output.bytes);
}

}  // namespace gemel::data
