// JPEG through libjpeg(-turbo), whose errors are jumps: between setjmp and the calls that may fail
// no object with a destructor is made.
#include <csetjmp>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include <jpeglib.h>

#include <jerror.h>

#include <algorithm>

#include "base/error.h"
#include "data/image_formats.h"

namespace gemel::data {
namespace {

struct ErrorManager {
  jpeg_error_mgr base;
  std::jmp_buf jump;
  char message[JMSG_LENGTH_MAX];
  bool damaged, ended;

  void prepare() {
    jpeg_std_error(&base);
    base.error_exit = [](j_common_ptr info) {
      auto* self = reinterpret_cast<ErrorManager*>(info->err);
      self->base.format_message(info, self->message);
      std::longjmp(self->jump, 1);
    };
    base.output_message = [](j_common_ptr) {};
    base.emit_message = [](j_common_ptr info, int level) {
      if (level >= 0) return;
      auto* self = reinterpret_cast<ErrorManager*>(info->err);
      const int code = self->base.msg_code;
      self->ended |= code == JWRN_JPEG_EOF;
      if (self->damaged) return;
      // Others, such as bytes between segments, change no pixel.
      self->damaged = code == JWRN_HIT_MARKER || code == JWRN_HUFF_BAD_CODE ||
                      code == JWRN_ARITH_BAD_CODE || code == JWRN_MUST_RESYNC;
      if (self->damaged) self->base.format_message(info, self->message);
    };
    damaged = ended = false;
  }
};

// Inverted CMYK, as programs write it, to RGB.
void rgb_of_cmyk(uint8_t* row, int64_t width) {
  for (int64_t x = 0; x < width; ++x) {
    const int k = row[4 * x + 3];
    for (int c = 0; c < 3; ++c)
      row[3 * x + c] = static_cast<uint8_t>(k - ((255 - row[4 * x + c]) * k >> 8));
  }
}

class JpegDecoder final : public FormatDecoder {
 public:
  JpegDecoder() {
    errors_.prepare();
    info_.err = &errors_.base;
    if (setjmp(errors_.jump)) fail(ErrorKind::Internal, "libjpeg: {}", errors_.message);
    jpeg_create_decompress(&info_);
    jpeg_save_markers(&info_, JPEG_APP0 + 1, 0xffff);
  }
  ~JpegDecoder() override { jpeg_destroy_decompress(&info_); }

  void open(std::span<const std::byte> bytes, std::string_view name) override {
    name_ = name;
    jpeg_abort_decompress(&info_);
    errors_.damaged = errors_.ended = errors_.message[0] = false;
    if (setjmp(errors_.jump)) refuse();
    jpeg_mem_src(&info_, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
    jpeg_read_header(&info_, TRUE);
    width = info_.image_width;
    height = info_.image_height;
    orientation = 1;
    for (const auto* marker = info_.marker_list; marker; marker = marker->next)
      if (marker->marker == JPEG_APP0 + 1)
        orientation = exif_orientation({marker->data, marker->data_length});
    // A block of 64 pixels takes a bit at least.
    GEMEL_CHECK(width * height <= static_cast<int64_t>(bytes.size()) * 512 + 4096,
                "{}: truncated or damaged: {} bytes are no JPEG image of {}x{}", name_,
                bytes.size(), width, height);
  }

  void reduce(int eighths) override {
    if (setjmp(errors_.jump)) refuse();
    info_.scale_num = static_cast<unsigned>(eighths);
    info_.scale_denom = 8;
    jpeg_calc_output_dimensions(&info_);
    width = info_.output_width;
    height = info_.output_height;
  }

  void decode(int64_t channels, Image& image, const Region* region) override {
    const bool cmyk = info_.jpeg_color_space == JCS_CMYK || info_.jpeg_color_space == JCS_YCCK;
    const int64_t depth = cmyk ? 4 : channels;
    info_.out_color_space = cmyk ? JCS_CMYK : channels == 1 ? JCS_GRAYSCALE : JCS_RGB;
    const Region part = region && !cmyk ? *region : Region{0, 0, height, width};
    // One block more at each side, so that the chroma between pixels is interpolated as elsewhere.
    const int64_t block = 8 * std::max(1, info_.max_h_samp_factor);
    const int64_t left = std::max<int64_t>(0, part.left - block),
                  right = std::min(width, part.left + part.width + block);
    const int64_t align = block;
    const int64_t first = left / align * align;
    row_.resize(static_cast<size_t>((width + 2 * align) * 4));
    image.allocate(part.height, right - first, depth);
    if (setjmp(errors_.jump)) refuse();
    start(first, right, part.top);
    for (int64_t y = 0; y < part.height; ++y) {
      JSAMPROW target = taken_ == image.width ? image.row(y) : row_.data();
      jpeg_read_scanlines(&info_, &target, 1);
      if (taken_ != image.width)
        std::memcpy(image.row(y), row_.data(), static_cast<size_t>(image.width * depth));
    }
    if (errors_.damaged || (errors_.ended && info_.progressive_mode)) refuse();
    jpeg_abort_decompress(&info_);
    image.top = part.top;
    image.left = first;
    if (cmyk) from_cmyk(channels, image);
  }

 private:
  void start(int64_t first, int64_t right, int64_t top) {
    jpeg_start_decompress(&info_);
    taken_ = width;
    if (first > 0 || right < width) {
      auto offset = static_cast<JDIMENSION>(first),
           columns = static_cast<JDIMENSION>(right - first);
      jpeg_crop_scanline(&info_, &offset, &columns);
      taken_ = columns;
    }
    if (top > 0) jpeg_skip_scanlines(&info_, static_cast<JDIMENSION>(top));
  }

  void from_cmyk(int64_t channels, Image& image) const {
    Image rgb;
    rgb.allocate(image.height, image.width, channels);
    for (int64_t y = 0; y < image.height; ++y) {
      rgb_of_cmyk(image.row(y), image.width);
      const uint8_t* from = image.row(y);
      for (int64_t x = 0; x < image.width; ++x, from += 3)
        if (channels == 3)
          std::memcpy(rgb.row(y) + 3 * x, from, 3);
        else
          rgb.row(y)[x] =
              static_cast<uint8_t>((from[0] * 4899 + from[1] * 9617 + from[2] * 1868 + 8192) >> 14);
    }
    image = std::move(rgb);
  }

  [[noreturn]] void refuse() {
    const bool truncated = errors_.ended && errors_.message[0] == 0;
    jpeg_abort_decompress(&info_);
    const std::string text = truncated ? "the data end too early" : errors_.message;
    errors_.message[0] = 0;
    fail(ErrorKind::Input, "{}: truncated or damaged JPEG image: {}", name_, text);
  }

  ErrorManager errors_{};
  jpeg_decompress_struct info_{};
  std::string name_;
  std::vector<uint8_t> row_;
  int64_t taken_ = 0;
};

}  // namespace

std::unique_ptr<FormatDecoder> make_jpeg_decoder() { return std::make_unique<JpegDecoder>(); }

std::string encode_jpeg(const Image& image, int quality) {
  GEMEL_CHECK(quality >= 0 && quality <= 100, "[encode] expected a quality from 0 to 100, got {}",
              quality);
  GEMEL_CHECK(image.height > 0 && image.width > 0 && image.height <= 65500 && image.width <= 65500,
              "[encode] expected a JPEG image of 1 to 65500 pixels a side, got {}x{}", image.height,
              image.width);
  struct Output {
    ErrorManager errors{};
    jpeg_compress_struct info{};
    unsigned char* bytes = nullptr;
    unsigned long size = 0;
    ~Output() {
      jpeg_destroy_compress(&info);
      std::free(bytes);
    }
  } output;
  output.errors.prepare();
  output.info.err = &output.errors.base;
  if (setjmp(output.errors.jump))
    fail(ErrorKind::Input, "[encode] no JPEG image: {}", output.errors.message);
  jpeg_create_compress(&output.info);
  jpeg_mem_dest(&output.info, &output.bytes, &output.size);
  output.info.image_width = static_cast<JDIMENSION>(image.width);
  output.info.image_height = static_cast<JDIMENSION>(image.height);
  output.info.input_components = static_cast<int>(image.channels);
  output.info.in_color_space = image.channels == 1 ? JCS_GRAYSCALE : JCS_RGB;
  jpeg_set_defaults(&output.info);
  jpeg_set_quality(&output.info, quality, TRUE);
  jpeg_start_compress(&output.info, TRUE);
  for (int64_t y = 0; y < image.height; ++y) {
    JSAMPROW row = const_cast<uint8_t*>(image.row(y));
    jpeg_write_scanlines(&output.info, &row, 1);
  }
  jpeg_finish_compress(&output.info);
  return {reinterpret_cast<const char*>(output.bytes), output.size};
}

}  // namespace gemel::data
