// Axes in another order (transpose, SwapAxis) and elements in another order (reverse).
#include <algorithm>

#include "kernels/strided_copy.h"
#include "op/registry.h"

namespace gemel {

namespace {

using kernels::CopyAxis;

struct TransposeParameters : Parameters {
  Shape axes;
  static void declare(Fields<TransposeParameters>& f) {
    f.field("axes", &TransposeParameters::axes)
        .fallback("()")
        .doc("Order of the input's axes in the result; reversed by default.");
  }
};
struct SwapParameters : Parameters {
  int dim1 = 0, dim2 = 0;
  static void declare(Fields<SwapParameters>& f) {
    f.field("dim1", &SwapParameters::dim1).fallback("0").doc("First axis.");
    f.field("dim2", &SwapParameters::dim2).fallback("0").doc("Second axis.");
  }
};
struct ReverseParameters : Parameters {
  Shape axis;
  static void declare(Fields<ReverseParameters>& f) {
    f.field("axis", &ReverseParameters::axis).doc("Axes along which the order is reversed.");
  }
};

// order[i]: which axis of the input is axis i of the result.
Shape transpose_order(const Shape& axes, int ndim) {
  Shape order = Shape::filled(ndim, 0);
  if (axes.ndim() <= 0) {
    for (int i = 0; i < ndim; ++i) order[i] = ndim - 1 - i;
    return order;
  }
  GEMEL_CHECK(axes.ndim() == ndim, "[transpose] expected {} axes, got {}", ndim, axes);
  uint32_t seen = 0;
  for (int i = 0; i < ndim; ++i) {
    order[i] = normalize_axis(axes[i], ndim, "transpose");
    GEMEL_CHECK(!(seen >> order[i] & 1), "[transpose] expected each axis once, got {}", axes);
    seen |= 1u << order[i];
  }
  return order;
}

Shape swap_order(const SwapParameters& p, int ndim) {
  Shape order = Shape::filled(ndim, 0);
  for (int i = 0; i < ndim; ++i) order[i] = i;
  std::swap(order[normalize_axis(p.dim1, ndim, "SwapAxis")],
            order[normalize_axis(p.dim2, ndim, "SwapAxis")]);
  return order;
}

Shape order_of(const TransposeParameters& p, int ndim) { return transpose_order(p.axes, ndim); }
Shape order_of(const SwapParameters& p, int ndim) { return swap_order(p, ndim); }

template <typename P>
void permute_shape(ShapeContext& context) {
  const auto& p = context.params<P>();
  const Shape in = context.in[0], out = context.out[0];
  const int ndim = std::max(in.ndim(), out.ndim());
  if (ndim < 0) return;
  const Shape order = order_of(p, ndim);
  Shape result = Shape::filled(ndim, -1), source = result;
  for (int i = 0; i < ndim; ++i) {
    if (in.ndim() >= 0) result[i] = in[static_cast<int>(order[i])];
    if (out.ndim() == ndim) source[static_cast<int>(order[i])] = out[i];
  }
  context.set_out(0, result);
  context.set_in(0, source);
}

template <typename P>
void permute_kernel(const OpCall& call) {
  const Tensor &in = call.in[0], &out = call.out[0];
  const Shape order = order_of(call.params<P>(), in.shape.ndim());
  const Shape from = contiguous_strides(in.shape), to = contiguous_strides(out.shape);
  CopyAxis axes[Shape::max_ndim];
  for (int i = 0; i < order.ndim(); ++i)
    axes[i] = {out.shape[i], from[static_cast<int>(order[i])], to[i]};
  kernels::strided_copy({axes, static_cast<size_t>(order.ndim())}, in.address, out.address,
                        size_of(in.dtype));
}

std::vector<Entry> transpose_gradient(const GradientContext& context) {
  const Shape& axes = context.params<TransposeParameters>().axes;
  auto back = std::make_shared<TransposeParameters>();
  if (axes.ndim() > 0) {
    back->axes = Shape::filled(axes.ndim(), 0);
    for (int i = 0; i < axes.ndim(); ++i)
      back->axes[normalize_axis(axes[i], axes.ndim(), "transpose")] = i;
  }
  return {context.make("transpose", {context.dy()}, std::move(back), 0)};
}

std::vector<Entry> same_operator_gradient(const GradientContext& context) {
  return {context.make(context.node.op->name(), {context.dy()}, context.node.parameters, 0)};
}

void reverse_kernel(const OpCall& call) {
  const Tensor &in = call.in[0], &out = call.out[0];
  const int ndim = in.shape.ndim();
  const Shape strides = contiguous_strides(in.shape);
  CopyAxis axes[Shape::max_ndim];
  for (int i = 0; i < ndim; ++i) axes[i] = {in.shape[i], strides[i], strides[i]};
  int64_t start = 0;
  for (int64_t a : call.params<ReverseParameters>().axis) {
    const int i = normalize_axis(a, ndim, "reverse");
    if (axes[i].from < 0) continue;
    start += (in.shape[i] - 1) * strides[i];
    axes[i].from = -strides[i];
  }
  if (in.size() == 0) return;
  kernels::strided_copy({axes, static_cast<size_t>(ndim)}, in.address + start * size_of(in.dtype),
                        out.address, size_of(in.dtype));
}

}  // namespace

GEMEL_OPERATORS(permute) {
  op<TransposeParameters>("transpose")
      .doc("The axes in another order.")
      .inputs({"data"})
      .shape(permute_shape<TransposeParameters>)
      .type(same_type)
      .gradient(transpose_gradient)
      .implement("tiles", permute_kernel<TransposeParameters>)
      .sample({.shapes = {{3, 4}}})
      .sample({.shapes = {{2, 3, 4}}, .attributes = {{"axes", "(1, 0, 2)"}}})
      .sample({.shapes = {{2, 3, 4}}, .attributes = {{"axes", "(2, 0, 1)"}}});
  op<SwapParameters>("SwapAxis")
      .alias({"swapaxes"})
      .doc("Two axes exchanged.")
      .inputs({"data"})
      .shape(permute_shape<SwapParameters>)
      .type(same_type)
      .gradient(same_operator_gradient)
      .implement("tiles", permute_kernel<SwapParameters>)
      .sample({.shapes = {{2, 3, 4}}, .attributes = {{"dim1", "0"}, {"dim2", "-1"}}});
  op<ReverseParameters>("reverse")
      .alias({"flip"})
      .doc("The elements along some axes in reverse order.")
      .inputs({"data"})
      .shape([](ShapeContext& c) {
        if (c.in[0].ndim() >= 0)
          for (int64_t a : c.params<ReverseParameters>().axis)
            normalize_axis(a, c.in[0].ndim(), "reverse");
        same_shape(c);
      })
      .type(same_type)
      .gradient(same_operator_gradient)
      .implement("strided", reverse_kernel)
      .sample({.shapes = {{2, 3, 4}}, .attributes = {{"axis", "(0, 2)"}}});
}

}  // namespace gemel
