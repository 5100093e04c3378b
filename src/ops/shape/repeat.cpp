// Arrays repeated as a whole (tile) or element by element (repeat).
#include <algorithm>
#include <vector>

#include "kernels/reduce.h"
#include "kernels/strided_copy.h"
#include "op/registry.h"

namespace gemel {

namespace {

using kernels::CopyAxis;

struct TileParameters : Parameters {
  Shape reps;
  static void declare(Fields<TileParameters>& f) {
    f.field("reps", &TileParameters::reps)
        .doc(
            "How often along each axis; shorter of shape and reps is extended by ones on the "
            "left.");
  }
};
struct RepeatParameters : Parameters {
  int repeats = 1;
  std::optional<int> axis;
  static void declare(Fields<RepeatParameters>& f) {
    f.field("repeats", &RepeatParameters::repeats)
        .doc("How often each element comes.")
        .range(0, 1 << 30);
    f.field("axis", &RepeatParameters::axis)
        .fallback("None")
        .doc("The axis; the flattened array by default.");
  }
};

Shape aligned(const Shape& shape, int ndim) {
  Shape result = Shape::filled(ndim - std::max(shape.ndim(), 0), 1);
  for (int64_t n : shape) result.push_back(n);
  return result;
}

Shape tile_shape(const Shape& in, const Shape& reps) {
  const int ndim = std::max(in.ndim(), reps.ndim());
  Shape result = aligned(in, ndim);
  const Shape times = aligned(reps, ndim);
  for (int i = 0; i < ndim; ++i) {
    GEMEL_CHECK(times[i] > 0, "[tile] expected positive reps, got {}", reps);
    if (result[i] >= 0) result[i] *= times[i];
  }
  return result;
}

void tile_kernel(const OpCall& call) {
  const Tensor &in = call.in[0], &out = call.out[0];
  const int ndim = out.shape.ndim();
  const Shape shape = aligned(in.shape, ndim), from = contiguous_strides(shape),
              to = contiguous_strides(out.shape);
  CopyAxis axes[2 * Shape::max_ndim];
  for (int i = 0; i < ndim; ++i) {
    axes[2 * i] = {shape[i] ? out.shape[i] / shape[i] : 0, 0, shape[i] * to[i]};
    axes[2 * i + 1] = {shape[i], from[i], to[i]};
  }
  if (out.size())
    kernels::strided_copy({axes, static_cast<size_t>(2 * ndim)}, in.address, out.address,
                          size_of(in.dtype));
}

// Sums the repetitions of one axis after another.
void tile_backward_kernel(const OpCall& call) {
  const Tensor &head = call.in[0], &out = call.out[0];
  const int ndim = head.shape.ndim();
  const Shape target = aligned(out.shape, ndim);
  std::vector<std::byte> buffers[2];
  Shape shape = head.shape;
  std::byte* at = head.address;
  int step = 0;
  if (out.size() == 0) return;
  for (int i = 0; i < ndim; ++i) {
    if (shape[i] == target[i]) continue;
    const int64_t outer = shape.size(0, i), inner = target[i] * shape.size(i + 1, ndim);
    const Tensor source(at, Shape{outer, shape[i] / target[i], inner}, head.dtype);
    std::vector<std::byte>& buffer = buffers[step++ % 2];
    buffer.resize(static_cast<size_t>(outer * inner * size_of(head.dtype)));
    kernels::reduce(kernels::Reduction::sum, source, 2,
                    Tensor(buffer.data(), Shape{outer, inner}, head.dtype));
    at = buffer.data();
    shape[i] = target[i];
  }
  std::copy_n(at, out.bytes(), out.address);
}

// outer, length, inner around the axis that is repeated.
struct Split {
  int64_t outer = 1, length, inner = 1;
  Split(const Shape& shape, std::optional<int> axis) : length(shape.size()) {
    if (!axis) return;
    const int a = normalize_axis(*axis, shape.ndim(), "repeat");
    outer = shape.size(0, a);
    length = shape[a];
    inner = shape.size(a + 1, shape.ndim());
  }
};

Shape repeat_shape(const Shape& in, const RepeatParameters& p) {
  if (!p.axis) return in.known() ? Shape{in.size() * p.repeats} : Shape{-1};
  Shape result = in;
  const int axis = normalize_axis(*p.axis, in.ndim(), "repeat");
  if (result[axis] >= 0) result[axis] *= p.repeats;
  return result;
}

void repeat_kernel(const OpCall& call) {
  const auto& p = call.params<RepeatParameters>();
  const Split s(call.in[0].shape, p.axis);
  if (call.out[0].size() == 0) return;
  const CopyAxis axes[] = {
      {s.outer * s.length, s.inner, s.inner * p.repeats}, {p.repeats, 0, s.inner}, {s.inner, 1, 1}};
  kernels::strided_copy(axes, call.in[0].address, call.out[0].address, size_of(call.out[0].dtype));
}

void repeat_backward_kernel(const OpCall& call) {
  const auto& p = call.params<RepeatParameters>();
  const Split s(call.out[0].shape, p.axis);
  Tensor head = call.in[0];
  head.shape = Shape{s.outer * s.length, p.repeats, s.inner};
  kernels::reduce(kernels::Reduction::sum, head, 2, call.out[0]);
}

void like_second(ShapeContext& context) {
  context.set_out(0, context.in[1]);
  context.set_in(1, context.out[0]);
}

std::vector<Entry> backward_node(const GradientContext& c, const char* name) {
  return {c.make(name, {c.dy(), c.in(0)}, c.node.parameters, 0)};
}

template <typename P>
void declare_repeat_backward(const char* name, const char* forward, Kernel kernel, Sample sample) {
  op<P>(name)
      .doc(fmt::format("Gradient of {}.", forward))
      .inputs({"head", "data"})
      .shape(like_second)
      .type([](TypeContext& c) {
        c.set_out(0, c.in[0]);
        c.set_in(0, c.out[0]);
      })
      .gradient([forward](const GradientContext& c) {
        return std::vector<Entry>{c.make(forward, {c.dy()}, c.node.parameters, 0), Entry{}};
      })
      .implement("blocked", std::move(kernel))
      .sample(std::move(sample));
}

}  // namespace

GEMEL_OPERATORS(repeat) {
  op<TileParameters>("tile")
      .doc("The array repeated as a whole along each axis.")
      .inputs({"data"})
      .shape([](ShapeContext& c) {
        if (c.in[0].ndim() >= 0) c.set_out(0, tile_shape(c.in[0], c.params<TileParameters>().reps));
      })
      .type(same_type)
      .gradient([](const GradientContext& c) { return backward_node(c, "_backward_tile"); })
      .implement("strided", tile_kernel)
      .sample({.shapes = {{2, 3}}, .attributes = {{"reps", "(2,)"}}})
      .sample({.shapes = {{2, 3}}, .attributes = {{"reps", "(2, 1, 3)"}}});
  op<RepeatParameters>("repeat")
      .doc("Each element repeated.")
      .inputs({"data"})
      .shape([](ShapeContext& c) {
        if (c.in[0].ndim() >= 0) c.set_out(0, repeat_shape(c.in[0], c.params<RepeatParameters>()));
      })
      .type(same_type)
      .gradient([](const GradientContext& c) { return backward_node(c, "_backward_repeat"); })
      .implement("strided", repeat_kernel)
      .sample({.shapes = {{2, 3}}, .attributes = {{"repeats", "2"}}})
      .sample({.shapes = {{2, 3}}, .attributes = {{"repeats", "3"}, {"axis", "-2"}}});
  declare_repeat_backward<TileParameters>(
      "_backward_tile", "tile", tile_backward_kernel,
      {.shapes = {{2, 2, 9}, {2, 3}}, .attributes = {{"reps", "(2, 1, 3)"}}});
  declare_repeat_backward<RepeatParameters>(
      "_backward_repeat", "repeat", repeat_backward_kernel,
      {.shapes = {{2, 6}, {2, 3}}, .attributes = {{"repeats", "2"}, {"axis", "1"}}});
}

}  // namespace gemel
