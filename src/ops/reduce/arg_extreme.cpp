// argmax, argmin and argmax_channel: positions, in the dtype of the input as in 1.9.1.
#include "kernels/reduce.h"
#include "op/registry.h"

namespace gemel {

namespace {

struct ArgParameters : Parameters {
  std::optional<int> axis;
  bool keepdims = false;
  static void declare(Fields<ArgParameters>& f) {
    f.field("axis", &ArgParameters::axis)
        .fallback("None")
        .doc("Axis to search; the flattened array by default.");
    f.field("keepdims", &ArgParameters::keepdims).fallback("0").doc("Keep the axis with length 1.");
  }
};

Shape arg_result(const Shape& shape, std::optional<int> axis, bool keepdims, std::string_view who) {
  if (!axis) return Shape::filled(keepdims ? std::max(shape.ndim(), 1) : 1, 1);
  const int a = normalize_axis(*axis, shape.ndim(), who);
  Shape result;
  for (int i = 0; i < shape.ndim(); ++i) {
    if (i != a)
      result.push_back(shape[i]);
    else if (keepdims)
      result.push_back(1);
  }
  if (result.ndim() == 0) result.push_back(1);
  return result;
}

void arg_kernel(const OpCall& call, bool largest, std::optional<int> axis) {
  Tensor in = call.in[0];
  if (!axis) in.shape = Shape{in.size()};
  const int a = axis ? normalize_axis(*axis, in.shape.ndim(), call.op.name()) : 0;
  GEMEL_CHECK(in.shape[a] > 0, "[{}] expected at least one element along axis {}, got shape {}",
              call.op.name(), a, in.shape);
  kernels::arg_extreme(largest, in, a, call.out[0]);
}

void declare_arg(const char* name, const char* text, bool largest) {
  op<ArgParameters>(name)
      .doc(text)
      .inputs({"data"})
      .shape([](ShapeContext& c) {
        const auto& p = c.params<ArgParameters>();
        if (c.in[0].ndim() >= 0) c.set_out(0, arg_result(c.in[0], p.axis, p.keepdims, c.op.name()));
      })
      .type(same_type)
      .no_gradient()
      .implement("blocked",
                 [largest](const OpCall& call) {
                   arg_kernel(call, largest, call.params<ArgParameters>().axis);
                 })
      .sample({.shapes = {{2, 3, 4}}})
      .sample({.shapes = {{2, 3, 4}}, .attributes = {{"axis", "1"}}})
      .sample({.shapes = {{2, 3, 4}}, .attributes = {{"axis", "-1"}, {"keepdims", "1"}}});
}

}  // namespace

GEMEL_OPERATORS(arg_extreme) {
  declare_arg("argmax", "Index of the largest element along an axis, the first of equal ones.",
              true);
  declare_arg("argmin", "Index of the smallest element along an axis, the first of equal ones.",
              false);
  op("argmax_channel")
      .doc("Index of the largest element along axis 1 (of a vector: along its axis).")
      .inputs({"data"})
      .shape([](ShapeContext& c) {
        if (c.in[0].ndim() == 1) c.set_out(0, Shape{1});
        if (c.in[0].ndim() > 1) c.set_out(0, arg_result(c.in[0], 1, false, "argmax_channel"));
      })
      .type(same_type)
      .no_gradient()
      .implement(
          "blocked",
          [](const OpCall& call) { arg_kernel(call, true, call.in[0].shape.ndim() > 1 ? 1 : 0); })
      .sample({.shapes = {{3, 5}}})
      .sample({.shapes = {{2, 3, 4}}});
}

}  // namespace gemel
