// Images cut, turned over and resized: crop, flips, resize.
#include <cstring>
#include <vector>

#include "kernels/image/resize.h"
#include "kernels/random.h"
#include "kernels/strided_copy.h"
#include "ops/image/image.h"
#include "simd/image_loops.h"

namespace gemel::image {
namespace {

void crop_shape(ShapeContext& c) {
  const auto& p = c.params<CropParameters>();
  check_image(c, true);
  check_channels(c);
  Shape result = c.in[0];
  const int row = result.ndim() - 3;
  if (row < 0) return;
  const int64_t height = result[row], width = result[row + 1];
  GEMEL_CHECK(p.x >= 0 && p.y >= 0 && p.width > 0 && p.height > 0 &&
                  (width < 0 || p.x + p.width <= width) && (height < 0 || p.y + p.height <= height),
              "[{}] expected a part of an image of {}x{}, got {}x{} at ({}, {})", c.op.name(),
              width, height, p.width, p.height, p.x, p.y);
  result[row] = p.height;
  result[row + 1] = p.width;
  c.set_out(0, result);
}

// Copies between the part of `whole` and `part`.
void move_part(const CropParameters& p, const Tensor& whole, const Tensor& part, bool into_whole) {
  const Shape& shape = whole.shape;
  const int row = shape.ndim() - 3;
  const int64_t row_size = shape[row + 1] * shape[row + 2], plane = shape[row] * row_size;
  const int64_t part_row = p.width * shape[row + 2], part_plane = p.height * part_row;
  std::vector<kernels::CopyAxis> axes = {
      {shape.size(0, row), plane, part_plane}, {p.height, row_size, part_row}, {part_row, 1, 1}};
  if (into_whole)
    for (auto& axis : axes) std::swap(axis.from, axis.to);
  const int64_t width = size_of(whole.dtype);
  std::byte* corner = whole.address + (p.y * row_size + p.x * shape[row + 2]) * width;
  kernels::strided_copy(axes, into_whole ? part.address : corner,
                        into_whole ? corner : part.address, width);
}

template <int axis>
void flip(const OpCall& call) {
  const Shape& shape = call.in[0].shape;
  const int64_t before = shape.size(0, axis), length = shape[axis], after = shape.size(axis + 1, 3);
  const std::vector<kernels::CopyAxis> axes = {
      {before, length * after, length * after}, {length, -after, after}, {after, 1, 1}};
  const int64_t width = size_of(call.in[0].dtype);
  if (axis == 1 && width == 1 && after == 3) {
    kernels::parallel_for(before, 3 * length, [&](int64_t y) {
      simd::reverse_rgb(call.in[0].data<uint8_t>() + 3 * length * y,
                        call.out[0].data<uint8_t>() + 3 * length * y, static_cast<size_t>(length));
    });
    return;
  }
  if (call.in[0].size() > 0)
    kernels::strided_copy(axes, call.in[0].address + (length - 1) * after * width,
                          call.out[0].address, width);
}

template <int axis>
void flip_or_not(const OpCall& call) {
  if (flips(call.random))
    flip<axis>(call);
  else
    std::memcpy(call.out[0].address, call.in[0].address, static_cast<size_t>(call.in[0].bytes()));
}

void define_flip(const std::string& name, const std::string& how, Kernel always, Kernel sometimes) {
  op("_image_flip_" + name)
      .alias({"_npx__image_flip_" + name})
      .doc("The image (H, W, C) with " + how + ".")
      .inputs({"data"})
      .shape(color_shape)
      .type(same_type)
      .gradient([name](const GradientContext& c) {
        return std::vector<Entry>{c.make("_image_flip_" + name, {c.dy()})};
      })
      .implement("strided", std::move(always))
      .sample({.shapes = {{4, 6, 3}}});
  op("_image_random_flip_" + name)
      .alias({"_npx__image_random_flip_" + name})
      .doc("The image (H, W, C), every other time with " + how + ".")
      .inputs({"data"})
      .shape(color_shape)
      .type(same_type)
      .random([](const OpCall&) -> uint64_t { return 1; })
      .implement("strided", std::move(sometimes))
      .sample({.shapes = {{4, 6, 3}}});
}

void resize_shape(ShapeContext& c) {
  const auto& p = c.params<ResizeParameters>();
  check_image(c, true);
  GEMEL_CHECK(p.size.ndim() == 1 || p.size.ndim() == 2,
              "[{}] size: expected one or two numbers, got {}", c.op.name(), p.size);
  for (int64_t size : p.size)
    GEMEL_CHECK(size > 0, "[{}] size: expected positive numbers, got {}", c.op.name(), p.size);
  GEMEL_CHECK(p.interp >= 0 && p.interp <= 5, "[{}] interp: expected 0 to 5, got {}", c.op.name(),
              p.interp);
  Shape result = c.in[0];
  const int row = result.ndim() - 3;
  if (row < 0 || !result.known()) return;
  int64_t width = p.size[0], height = p.size[p.size.ndim() - 1];
  const int64_t from_height = result[row], from_width = result[row + 1];
  GEMEL_CHECK(from_height > 0 && from_width > 0, "[{}] expected an image with pixels, got {}",
              c.op.name(), result);
  if (p.keep_ratio && p.size.ndim() == 1) {
    if (from_height > from_width)
      height = p.size[0] * from_height / from_width;
    else
      width = p.size[0] * from_width / from_height;
  }
  result[row] = height;
  result[row + 1] = width;
  c.set_out(0, result);
}

void resize_kernel(const OpCall& call) {
  const auto interpolation =
      static_cast<kernels::Interpolation>(call.params<ResizeParameters>().interp);
  const Shape &from = call.in[0].shape, &to = call.out[0].shape;
  const int row = from.ndim() - 3;
  const int64_t images = from.size(0, row);
  for (int64_t i = 0; i < images; ++i)
    kernels::resize(call.in[0].address + call.in[0].bytes() / images * i,
                    {from[row], from[row + 1]},
                    call.out[0].address + call.out[0].bytes() / images * i, {to[row], to[row + 1]},
                    from[row + 2], call.in[0].dtype, interpolation);
}

void part_shape(ShapeContext& c) {
  const auto& p = c.params<ResizeParameters>();
  check_image(c, false);
  check_channels(c);
  c.set_in(1, Shape{4});
  GEMEL_CHECK(p.size.ndim() == 2 && p.size[0] > 0 && p.size[1] > 0,
              "[{}] size: expected a width and a height, got {}", c.op.name(), p.size);
  GEMEL_CHECK(p.interp >= 0 && p.interp <= 5, "[{}] interp: expected 0 to 5, got {}", c.op.name(),
              p.interp);
  if (c.in[0].ndim() == 3) c.set_out(0, Shape{p.size[1], p.size[0], c.in[0][2]});
}

void part_kernel(const OpCall& call) {
  const auto& p = call.params<ResizeParameters>();
  const Shape& shape = call.in[0].shape;
  const kernels::ImageRegion part = part_of(call.in[1], shape[0], shape[1]);
  const int64_t pixel = shape[2] * size_of(call.in[0].dtype), row = part.width * pixel;
  std::vector<std::byte> cut(static_cast<size_t>(part.height * row));
  for (int64_t y = 0; y < part.height; ++y)
    std::memcpy(cut.data() + y * row,
                call.in[0].address + ((part.top + y) * shape[1] + part.left) * pixel,
                static_cast<size_t>(row));
  kernels::resize(cut.data(), {part.height, part.width}, call.out[0].address,
                  {p.size[1], p.size[0]}, shape[2], call.in[0].dtype,
                  static_cast<kernels::Interpolation>(p.interp));
}

}  // namespace

kernels::ImageRegion part_of(const Tensor& numbers, int64_t height, int64_t width) {
  const int32_t* n = numbers.data<int32_t>();
  GEMEL_CHECK(n[0] >= 0 && n[1] >= 0 && n[2] > 0 && n[3] > 0 && n[0] <= width - n[2] &&
                  n[1] <= height - n[3],
              "expected a part of an image of {}x{}, got {}x{} at ({}, {})", width, height, n[2],
              n[3], n[0], n[1]);
  return {n[1], n[0], n[3], n[2]};
}

bool flips(const RandomStream& random) {
  return kernels::Philox(random.seed, random.offset).bits(0)[0] & 1;
}

GEMEL_OPERATORS(image_place) {
  op<CropParameters>("_image_crop")
      .alias({"_npx__image_crop"})
      .doc("A part of an image (H, W, C) or of several (N, H, W, C).")
      .inputs({"data"})
      .shape(crop_shape)
      .type(same_type)
      .gradient([](const GradientContext& c) {
        return std::vector<Entry>{
            c.make("_backward_image_crop", {c.dy(), c.in(0)}, c.node.parameters)};
      })
      .implement("strided",
                 [](const OpCall& call) {
                   move_part(call.params<CropParameters>(), call.in[0], call.out[0], false);
                 })
      .sample({.shapes = {{4, 5, 3}},
               .attributes = {{"x", "1"}, {"y", "2"}, {"width", "3"}, {"height", "2"}}})
      .sample({.shapes = {{2, 4, 5, 1}},
               .attributes = {{"x", "0"}, {"y", "1"}, {"width", "5"}, {"height", "2"}}});
  op<CropParameters>("_backward_image_crop")
      .doc("Gradient of _image_crop.")
      .inputs({"dy", "data"})
      .shape_only({1})
      .shape([](ShapeContext& c) { c.set_out(0, c.in[1]); })
      .gradient([](const GradientContext& c) {
        return std::vector<Entry>{c.make("_image_crop", {c.dy()}, c.node.parameters), Entry{}};
      })
      .implement("strided", [](const OpCall& call) {
        std::memset(call.out[0].address, 0, static_cast<size_t>(call.out[0].bytes()));
        move_part(call.params<CropParameters>(), call.out[0], call.in[0], true);
      });
  define_flip("left_right", "left and right exchanged", flip<1>, flip_or_not<1>);
  define_flip("top_bottom", "top and bottom exchanged", flip<0>, flip_or_not<0>);
  op<ResizeParameters>("_resized_image_part")
      .doc(
          "A part of an image (H, W, C) in another size. `part` says which: its left edge, upper "
          "edge, width and height (int32).")
      .inputs({"data", "part"})
      .shape(part_shape)
      .type([](TypeContext& c) {
        c.set_in(1, DType::int32);
        if (c.in[0] != DType::none) c.set_out(0, c.in[0]);
      })
      .no_gradient()
      .implement("taps", part_kernel)
      .info()
      .hidden = true;
  op<ResizeParameters>("_image_resize")
      .alias({"_npx__image_resize"})
      .doc("An image (H, W, C), or several (N, H, W, C), in another size.")
      .inputs({"data"})
      .shape(resize_shape)
      .type(same_type)
      .implement("taps", resize_kernel)
      .sample({.shapes = {{4, 5, 3}}, .attributes = {{"size", "(3, 6)"}}})
      .sample({.shapes = {{2, 6, 4, 1}}, .attributes = {{"size", "(2,)"}, {"keep_ratio", "True"}}})
      .sample({.shapes = {{5, 7, 3}}, .attributes = {{"size", "(9, 4)"}, {"interp", "0"}}})
      .sample({.shapes = {{5, 7, 3}}, .attributes = {{"size", "(9, 4)"}, {"interp", "2"}}})
      .sample({.shapes = {{9, 7, 3}}, .attributes = {{"size", "(4, 4)"}, {"interp", "3"}}})
      .sample({.shapes = {{9, 12, 3}}, .attributes = {{"size", "(14, 7)"}, {"interp", "4"}}});
}

}  // namespace gemel::image
