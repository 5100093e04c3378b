// Axes of length 1 repeated, and the way back: _sum_to_like.
#include <algorithm>

#include "kernels/reduce.h"
#include "op/registry.h"
#include "pointwise/program.h"

namespace gemel {

namespace {

struct BroadcastToParameters : Parameters {
  Shape shape;
  static void declare(Fields<BroadcastToParameters>& f) {
    f.field("shape", &BroadcastToParameters::shape)
        .fallback("()")
        .doc("Shape of the result; 0 keeps an axis as it is.");
  }
};
struct BroadcastAxisParameters : Parameters {
  Shape axis, size;
  static void declare(Fields<BroadcastAxisParameters>& f) {
    f.field("axis", &BroadcastAxisParameters::axis)
        .fallback("()")
        .doc("Axes of length 1 to repeat.");
    f.field("size", &BroadcastAxisParameters::size)
        .fallback("()")
        .doc("New lengths of those axes.");
  }
};
struct BroadcastLikeParameters : Parameters {
  std::optional<Shape> lhs_axes, rhs_axes;
  static void declare(Fields<BroadcastLikeParameters>& f) {
    f.field("lhs_axes", &BroadcastLikeParameters::lhs_axes)
        .fallback("None")
        .doc("Axes of the first input to repeat; all by default.")
        .type = "Shape or None";
    f.field("rhs_axes", &BroadcastLikeParameters::rhs_axes)
        .fallback("None")
        .doc("Axes of the second input that give the lengths.")
        .type = "Shape or None";
  }
};

void broadcast_kernel(const OpCall& call) {
  static const pointwise::Program copy({pointwise::input(0)});
  copy.run(call.in.subspan(0, 1), {}, call.out);
}

std::vector<Entry> broadcast_gradient(const GradientContext& context) {
  std::vector<Entry> result(context.node.inputs.size());
  result[0] = context.make("_sum_to_like", {context.dy(), context.in(0)});
  return result;
}

void check_axis(std::string_view who, const Shape& in, int axis, int64_t size) {
  GEMEL_CHECK(in[axis] == size || in[axis] == 1 || in[axis] < 0,
              "[{}] expected an array whose axis {} has length 1 or {}, got {}", who, axis, size,
              in);
}

void broadcast_to_shape(ShapeContext& context) {
  const Shape& in = context.in[0];
  Shape target = context.params<BroadcastToParameters>().shape;
  if (in.ndim() < 0) return;
  GEMEL_CHECK(target.ndim() == in.ndim(),
              "[broadcast_to] expected a shape of {} axes for an input {}, got {}", in.ndim(), in,
              target);
  for (int i = 0; i < in.ndim(); ++i) {
    if (target[i] == 0)
      target[i] = in[i];
    else
      check_axis("broadcast_to", in, i, target[i]);
  }
  context.set_out(0, target);
}

void broadcast_axis_shape(ShapeContext& context) {
  const auto& p = context.params<BroadcastAxisParameters>();
  Shape target = context.in[0];
  if (target.ndim() < 0) return;
  GEMEL_CHECK(p.axis.ndim() == p.size.ndim(),
              "[broadcast_axis] expected as many sizes as axes, got {} and {}", p.size, p.axis);
  for (int i = 0; i < p.axis.ndim(); ++i) {
    const int axis = normalize_axis(p.axis[i], target.ndim(), "broadcast_axis");
    check_axis("broadcast_axis", context.in[0], axis, p.size[i]);
    target[axis] = p.size[i];
  }
  context.set_out(0, target);
}

void broadcast_like_shape(ShapeContext& context) {
  const auto& p = context.params<BroadcastLikeParameters>();
  const Shape &in = context.in[0], &like = context.in[1];
  if (in.ndim() < 0 || like.ndim() < 0) return;
  GEMEL_CHECK(p.lhs_axes.has_value() == p.rhs_axes.has_value(),
              "[broadcast_like] expected both lhs_axes and rhs_axes or neither");
  if (!p.lhs_axes) {
    GEMEL_CHECK(in.ndim() <= like.ndim(),
                "[broadcast_like] expected at most {} axes to broadcast to {}, got {}", like.ndim(),
                like, in);
    for (int i = 0; i < in.ndim(); ++i)
      if (const int64_t size = like[i + like.ndim() - in.ndim()]; size >= 0)
        check_axis("broadcast_like", in, i, size);
    return context.set_out(0, like);
  }
  GEMEL_CHECK(p.lhs_axes->ndim() == p.rhs_axes->ndim(),
              "[broadcast_like] expected as many lhs_axes as rhs_axes, got {} and {}", *p.lhs_axes,
              *p.rhs_axes);
  Shape target = in;
  for (int i = 0; i < p.lhs_axes->ndim(); ++i) {
    const int to = normalize_axis((*p.lhs_axes)[i], in.ndim(), "broadcast_like");
    const int64_t size = like[normalize_axis((*p.rhs_axes)[i], like.ndim(), "broadcast_like")];
    if (size >= 0) check_axis("broadcast_like", in, to, size);
    target[to] = size;
  }
  context.set_out(0, target);
}

// Axes that `data` has and `like` has not, or has with length 1.
void sum_to_like_kernel(const OpCall& call) {
  const Tensor &in = call.in[0], &out = call.out[0];
  const int extra = in.shape.ndim() - out.shape.ndim();
  GEMEL_CHECK(extra >= 0, "[_sum_to_like] expected at least as many axes as {}, got {}", out.shape,
              in.shape);
  uint32_t axes = 0;
  for (int i = 0; i < in.shape.ndim(); ++i)
    if (i < extra || (out.shape[i - extra] == 1 && in.shape[i] != 1)) axes |= 1u << i;
  if (in.size() == out.size()) {
    if (in.address != out.address) std::copy_n(in.address, in.bytes(), out.address);
    return;
  }
  if (in.address != out.address) return kernels::reduce(kernels::Reduction::sum, in, axes, out);
  // In place: the totals would overwrite what is still to be read.
  std::vector<std::byte> totals(static_cast<size_t>(out.bytes()));
  kernels::reduce(kernels::Reduction::sum, in, axes, Tensor(totals.data(), out.shape, out.dtype));
  std::copy(totals.begin(), totals.end(), out.address);
}

void like_type(TypeContext& context) {  // the second input gives only its shape
  context.set_out(0, context.in[0]);
  context.set_in(0, context.out[0]);
}

}  // namespace

GEMEL_OPERATORS(broadcast) {
  op<BroadcastToParameters>("broadcast_to")
      .doc("Repeats axes of length 1 to the given shape.")
      .inputs({"data"})
      .shape(broadcast_to_shape)
      .type(same_type)
      .gradient(broadcast_gradient)
      .implement("tape", broadcast_kernel)
      .sample({.shapes = {{1, 3, 1}}, .attributes = {{"shape", "(2, 0, 4)"}}});
  op<BroadcastAxisParameters>("broadcast_axis")
      .alias({"broadcast_axes"})
      .doc("Repeats the named axes of length 1.")
      .inputs({"data"})
      .shape(broadcast_axis_shape)
      .type(same_type)
      .gradient(broadcast_gradient)
      .implement("tape", broadcast_kernel)
      .sample({.shapes = {{1, 3, 1}}, .attributes = {{"axis", "(0, 2)"}, {"size", "(2, 4)"}}});
  op<BroadcastLikeParameters>("broadcast_like")
      .doc("Repeats axes of length 1 to the shape of the second input.")
      .inputs({"lhs", "rhs"})
      .shape(broadcast_like_shape)
      .type(like_type)
      .gradient(broadcast_gradient)
      .implement("tape", broadcast_kernel)
      .sample({.shapes = {{1, 3}, {2, 3}}})
      .sample({.shapes = {{1, 3}, {7, 5}},
               .attributes = {{"lhs_axes", "(0,)"}, {"rhs_axes", "(-1,)"}}});
  OpBuilder sum_to_like = op("_sum_to_like");
  sum_to_like.shape_only({1});
  sum_to_like
      .doc(
          "Sums over the axes that broadcasting `like` to the shape of `data` repeats: the "
          "gradient of broadcasting.")
      .inputs({"data", "like"})
      .shape([](ShapeContext& c) {
        c.set_out(0, c.in[1]);
        c.set_in(1, c.out[0]);
      })
      .type(like_type)
      .gradient([](const GradientContext& c) {
        return std::vector<Entry>{c.make("broadcast_like", {c.dy(), c.in(0)}), Entry{}};
      })
      .implement("blocked", sum_to_like_kernel)
      .inplace({{0, 0}})
      .sample({.shapes = {{2, 3, 4}, {3, 1}}});
  sum_to_like.info().hidden = true;
}

}  // namespace gemel
