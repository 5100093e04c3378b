// Images in another size and with a border, as OpenCV makes them: what mx.image is made of.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

#include "array/convert.h"
#include "kernels/image/resize.h"
#include "ops/image/image.h"

namespace gemel::image {
namespace {

struct CvResizeParameters : Parameters {
  int w, h, interp;
  static void declare(Fields<CvResizeParameters>& f) {
    f.field("w", &CvResizeParameters::w).doc("Width of the result.");
    f.field("h", &CvResizeParameters::h).doc("Height of the result.");
    f.field("interp", &CvResizeParameters::interp)
        .fallback("1")
        .doc("0 nearest, 1 linear, 2 cubic, 3 averages of areas, 4 Lanczos.");
  }
};

void cv_resize_shape(ShapeContext& c) {
  const auto& p = c.params<CvResizeParameters>();
  check_image(c, false);
  GEMEL_CHECK(p.w > 0 && p.h > 0, "[{}] expected a positive width and height, got {} and {}",
              c.op.name(), p.w, p.h);
  GEMEL_CHECK(p.interp >= 0 && p.interp <= 4, "[{}] interp: expected 0 to 4, got {}", c.op.name(),
              p.interp);
  const Shape& in = c.in[0];
  if (!in.known()) return;
  GEMEL_CHECK(in.size() > 0, "[{}] expected an image with pixels, got shape {}", c.op.name(), in);
  c.set_out(0, Shape{p.h, p.w, in[2]});
}

void cv_resize(const OpCall& call) {
  const auto& p = call.params<CvResizeParameters>();
  const Shape& from = call.in[0].shape;
  kernels::resize(call.in[0].address, {from[0], from[1]}, call.out[0].address, {p.h, p.w}, from[2],
                  call.in[0].dtype, static_cast<kernels::Interpolation>(p.interp));
}

enum class Border { constant, nearest, mirrored, wrapped, mirrored_inside };

struct BorderParameters : Parameters {
  int top, bot, left, right, type;
  double value;
  std::vector<double> values;
  static void declare(Fields<BorderParameters>& f) {
    f.field("top", &BorderParameters::top).doc("Rows above.");
    f.field("bot", &BorderParameters::bot).doc("Rows below.");
    f.field("left", &BorderParameters::left).doc("Pixels at the left.");
    f.field("right", &BorderParameters::right).doc("Pixels at the right.");
    f.field("type", &BorderParameters::type)
        .fallback("0")
        .doc(
            "0 a constant, 1 the nearest pixel, 2 mirrored with the border's pixel, 3 from the "
            "other "
            "side, 4 mirrored without the border's pixel.");
    f.field("value", &BorderParameters::value).fallback("0").doc("The constant.");
    f.field("values", &BorderParameters::values)
        .fallback("[]")
        .doc("The constant of each channel; 0 for those that are left out.")
        .type = "tuple of <double>";
  }
};

void border_shape(ShapeContext& c) {
  const auto& p = c.params<BorderParameters>();
  check_image(c, false);
  GEMEL_CHECK(p.top >= 0 && p.bot >= 0 && p.left >= 0 && p.right >= 0,
              "[{}] expected widths of 0 or more, got top={}, bot={}, left={}, right={}",
              c.op.name(), p.top, p.bot, p.left, p.right);
  GEMEL_CHECK(p.type >= 0 && p.type <= 4, "[{}] type: expected 0 to 4, got {}", c.op.name(),
              p.type);
  const Shape& in = c.in[0];
  if (!in.known()) return;
  GEMEL_CHECK(in.size() > 0, "[{}] expected an image with pixels, got shape {}", c.op.name(), in);
  c.set_out(0, Shape{in[0] + p.top + p.bot, in[1] + p.left + p.right, in[2]});
}

// Which row or pixel stands at `i`, -1 for the constant.
int64_t border_place(int64_t i, int64_t size, Border type) {
  if (i >= 0 && i < size) return i;
  const auto around = [&](int64_t period) { return (i % period + period) % period; };
  switch (type) {
    case Border::constant:
      return -1;
    case Border::nearest:
      return i < 0 ? 0 : size - 1;
    case Border::wrapped:
      return around(size);
    case Border::mirrored:
      return std::min(around(2 * size), 2 * size - 1 - around(2 * size));
    case Border::mirrored_inside:
      if (size == 1) return 0;
      return std::min(around(2 * size - 2), 2 * size - 2 - around(2 * size - 2));
  }
  return -1;
}

void add_border(const OpCall& call) {
  const auto& p = call.params<BorderParameters>();
  const auto type = static_cast<Border>(p.type);
  const Shape &from = call.in[0].shape, &to = call.out[0].shape;
  const int64_t channels = from[2], bytes = size_of(call.in[0].dtype) * channels;
  // A pixel of the constant in the image's own type.
  std::vector<double> numbers(static_cast<size_t>(channels), p.values.empty() ? p.value : 0);
  for (size_t i = 0; i < std::min(numbers.size(), p.values.size()); ++i) numbers[i] = p.values[i];
  if (call.in[0].dtype == DType::uint8)
    for (double& one : numbers) one = std::nearbyint(std::clamp(one, 0.0, 255.0));
  std::vector<std::byte> constant(static_cast<size_t>(bytes));
  convert(Tensor(reinterpret_cast<std::byte*>(numbers.data()), Shape{channels}, DType::float64, {}),
          Tensor(constant.data(), Shape{channels}, call.in[0].dtype, {}));
  for (int64_t y = 0; y < to[0]; ++y) {
    const int64_t row = border_place(y - p.top, from[0], type);
    for (int64_t x = 0; x < to[1]; ++x) {
      const int64_t pixel = border_place(x - p.left, from[1], type);
      const std::byte* source = row < 0 || pixel < 0
                                    ? constant.data()
                                    : call.in[0].address + (row * from[1] + pixel) * bytes;
      std::memcpy(call.out[0].address + (y * to[1] + x) * bytes, source,
                  static_cast<size_t>(bytes));
    }
  }
}

}  // namespace

GEMEL_OPERATORS(image_opencv) {
  op<CvResizeParameters>("_cvimresize")
      .alias({"_npi_cvimresize"})
      .doc("An image (H, W, C) in another size.")
      .inputs({"data"})
      .shape(cv_resize_shape)
      .type(same_type)
      .implement("taps", cv_resize)
      .sample({.shapes = {{5, 7, 3}}, .attributes = {{"w", "9"}, {"h", "4"}}})
      .sample({.shapes = {{5, 7, 3}}, .attributes = {{"w", "4"}, {"h", "3"}, {"interp", "3"}}});
  op<BorderParameters>("_cvcopyMakeBorder")
      .doc("An image (H, W, C) with a border.")
      .inputs({"data"})
      .shape(border_shape)
      .type(same_type)
      .implement("plain", add_border)
      .sample({.shapes = {{4, 5, 3}},
               .attributes = {{"top", "1"},
                              {"bot", "2"},
                              {"left", "3"},
                              {"right", "0"},
                              {"values", "(1, 2, 3)"}}})
      .sample({.shapes = {{4, 5, 3}},
               .attributes =
                   {{"top", "6"}, {"bot", "2"}, {"left", "1"}, {"right", "7"}, {"type", "2"}}})
      .sample({.shapes = {{4, 5, 1}},
               .attributes = {
                   {"top", "2"}, {"bot", "2"}, {"left", "3"}, {"right", "3"}, {"type", "4"}}});
}

}  // namespace gemel::image
