// depth_to_space and space_to_depth: blocks of an image laid out as channels, and back.
#include "kernels/strided_copy.h"
#include "op/registry.h"

namespace gemel::space_depth_op {
namespace {

struct BlockParameters : Parameters {
  int block_size;
  static void declare(Fields<BlockParameters>& f) {
    f.field("block_size", &BlockParameters::block_size).doc("Side of the square blocks.");
  }
};
using P = BlockParameters;

void check(ShapeContext& c) {
  GEMEL_CHECK(c.params<P>().block_size > 0, "[{}] expected a positive block_size, got {}",
              c.op.name(), c.params<P>().block_size);
  GEMEL_CHECK(c.in[0].ndim() < 0 || c.in[0].ndim() == 4,
              "[{}] expected data of 4 axes (batch, channel, height, width), got {}", c.op.name(),
              c.in[0]);
}

template <bool to_space>
void shape(ShapeContext& c) {
  check(c);
  const Shape& in = c.in[0];
  if (!in.known()) return;
  const int64_t b = c.params<P>().block_size;
  if (to_space) {
    GEMEL_CHECK(in[1] % (b * b) == 0, "[{}] expected channels divisible by {}, got {}", c.op.name(),
                b * b, in);
    c.set_out(0, {in[0], in[1] / (b * b), in[2] * b, in[3] * b});
  } else {
    GEMEL_CHECK(in[2] % b == 0 && in[3] % b == 0,
                "[{}] expected height and width divisible by {}, got {}", c.op.name(), b, in);
    c.set_out(0, {in[0], in[1] * b * b, in[2] / b, in[3] / b});
  }
}

// The deep array is (batch, row in block, column in block, channel, height, width).
template <bool to_space>
void kernel(const OpCall& c) {
  const int64_t b = c.params<P>().block_size;
  const Shape& space = to_space ? c.out[0].shape : c.in[0].shape;
  const int64_t channels = space[1], height = space[2] / b, width = space[3] / b;
  const int64_t plane = height * width;
  // Distances in the deep array and in the spatial one.
  const int64_t sizes[] = {space[0], channels, height, b, width, b};
  const int64_t deep[] = {channels * b * b * plane, plane, width,
                          b * channels * plane,     1,     channels * plane};
  const int64_t wide[] = {channels * b * b * plane, b * b * plane, b * b * width, b * width, b, 1};
  std::vector<kernels::CopyAxis> axes;
  for (int i = 0; i < 6; ++i)
    axes.push_back({sizes[i], to_space ? deep[i] : wide[i], to_space ? wide[i] : deep[i]});
  if (c.in[0].size() > 0)
    kernels::strided_copy(axes, c.in[0].address, c.out[0].address, size_of(c.in[0].dtype));
}

template <bool to_space>
void declare(const char* doc, Shape sample) {
  op<P>(to_space ? "depth_to_space" : "space_to_depth")
      .doc(doc)
      .inputs({"data"})
      .shape(shape<to_space>)
      .gradient([](const GradientContext& c) -> std::vector<Entry> {
        return {
            c.make(to_space ? "space_to_depth" : "depth_to_space", {c.dy()}, c.node.parameters)};
      })
      .implement("strided", kernel<to_space>)
      .sample({.shapes = {sample}, .attributes = {{"block_size", "2"}}});
}

}  // namespace

GEMEL_OPERATORS(space_depth) {
  declare<true>(
      "Channels laid out as blocks of the image: (n, c, h, w) becomes (n, c / b^2, h * b, w * b).",
      {2, 8, 2, 3});
  declare<false>(
      "Blocks of the image laid out as channels: (n, c, h, w) becomes (n, c * b^2, h / b, w / b).",
      {2, 2, 4, 6});
}

}  // namespace gemel::space_depth_op
