// Crop: a rectangle cut out of images.
#include "kernels/strided_copy.h"
#include "op/registry.h"

namespace gemel::crop_op {
namespace {

struct CropParameters : Parameters {
  int num_args;
  Shape offset, h_w;
  bool center_crop;
  static void declare(Fields<CropParameters>& f) {
    f.field("num_args", &CropParameters::num_args)
        .range(1, 2)
        .doc("2 when a second input gives the size.");
    f.field("offset", &CropParameters::offset)
        .fallback("[0,0]")
        .doc("Row and column of the upper left corner.");
    f.field("h_w", &CropParameters::h_w)
        .fallback("[0,0]")
        .doc("Height and width without a second input.");
    f.field("center_crop", &CropParameters::center_crop)
        .fallback("0")
        .doc("Cut out the middle instead.");
  }
};
using P = CropParameters;

std::vector<std::string> input_names(const P& p) {
  if (p.num_args == 1) return {"arg0"};
  return {"arg0", "arg1"};
}

// Row and column where the rectangle begins in an image of this shape.
Shape corner(const P& p, const Shape& image, const Shape& cut) {
  if (p.center_crop) return {(image[2] - cut[2]) / 2, (image[3] - cut[3]) / 2};
  return p.offset;
}

void shape(ShapeContext& c) {
  const auto& p = c.params<P>();
  const Shape& image = c.in[0];
  if (!image.known()) return;
  GEMEL_CHECK(image.ndim() == 4,
              "[{}] expected data of 4 axes (batch, channel, height, width), got {}", c.op.name(),
              image);
  Shape cut = image;
  if (p.num_args == 2) {
    if (!c.in[1].known()) return;
    GEMEL_CHECK(c.in[1].ndim() == 4, "[{}] expected crop_like of 4 axes, got {}", c.op.name(),
                c.in[1]);
    cut[2] = c.in[1][2];
    cut[3] = c.in[1][3];
  } else {
    GEMEL_CHECK(p.h_w.ndim() == 2, "[{}] expected h_w of 2 numbers, got {}", c.op.name(), p.h_w);
    cut[2] = p.h_w[0];
    cut[3] = p.h_w[1];
  }
  GEMEL_CHECK(p.offset.ndim() == 2, "[{}] expected offset of 2 numbers, got {}", c.op.name(),
              p.offset);
  const Shape first = corner(p, image, cut);
  for (int i = 0; i < 2; ++i)
    GEMEL_CHECK(first[i] >= 0 && cut[2 + i] > 0 && first[i] + cut[2 + i] <= image[2 + i],
                "[{}] expected a rectangle inside of the image {}, got {} from {} along axis {}",
                c.op.name(), image, cut[2 + i], first[i], 2 + i);
  c.set_out(0, cut);
}

// Copies between the rectangle in `image` and `cut`.
void move(const P& p, const Tensor& image, const Tensor& cut, bool into_image) {
  const Shape first = corner(p, image.shape, cut.shape);
  const Shape from = contiguous_strides(image.shape), to = contiguous_strides(cut.shape);
  std::vector<kernels::CopyAxis> axes;
  for (int i = 0; i < 4; ++i)
    axes.push_back({cut.shape[i], into_image ? to[i] : from[i], into_image ? from[i] : to[i]});
  const int64_t width = size_of(image.dtype);
  std::byte* corner_at = image.address + (first[0] * from[2] + first[1]) * width;
  kernels::strided_copy(axes, into_image ? cut.address : corner_at,
                        into_image ? corner_at : cut.address, width);
}

}  // namespace

GEMEL_OPERATORS(crop) {
  op<P>("Crop")
      .doc(
          "Cuts the rectangle of size `h_w`, or of the height and width of a second input, out of "
          "images (batch, channel, height, width), at `offset` or in the middle.")
      .inputs(&input_names)
      .shape(shape)
      .gradient([](const GradientContext& c) {
        std::vector<Entry> result = {
            c.make("_backward_Crop", {c.dy(), c.in(0)}, c.node.parameters)};
        result.resize(c.node.inputs.size());
        return result;
      })
      .shape_only_from(1)
      .implement("strided", [](const OpCall& c) { move(c.params<P>(), c.in[0], c.out[0], false); })
      .sample({.shapes = {{2, 3, 5, 6}},
               .attributes = {{"num_args", "1"}, {"h_w", "(2, 3)"}, {"offset", "(1, 2)"}}})
      .sample({.shapes = {{1, 2, 5, 6}, {1, 1, 3, 2}},
               .attributes = {{"num_args", "2"}, {"center_crop", "True"}}})
      .info()
      .variadic = "num_args";
  op<P>("_backward_Crop")
      .doc("Gradient of Crop.")
      .inputs({"dy", "data"})
      .shape_only({1})
      .shape([](ShapeContext& c) { c.set_out(0, c.in[1]); })
      .gradient([](const GradientContext& c) -> std::vector<Entry> {
        auto p = std::make_shared<P>(c.params<P>());
        p->num_args = 2;
        return {c.make("Crop", {c.dy(), c.in(0)}, p), Entry{}};
      })
      .implement("strided", [](const OpCall& c) {
        std::memset(c.out[0].address, 0, static_cast<size_t>(c.out[0].bytes()));
        move(c.params<P>(), c.out[0], c.in[0], true);
      });
}

}  // namespace gemel::crop_op
