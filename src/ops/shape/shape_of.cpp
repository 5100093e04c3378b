// Shapes as values, and arrays under the shape of another.
#include "op/registry.h"

namespace gemel {

namespace {

struct ReshapeLikeParameters : Parameters {
  std::optional<int> lhs_begin, lhs_end, rhs_begin, rhs_end;
  static void declare(Fields<ReshapeLikeParameters>& f) {
    using P = ReshapeLikeParameters;
    f.field("lhs_begin", &P::lhs_begin)
        .fallback("None")
        .doc("First axis of the first input that is replaced.");
    f.field("lhs_end", &P::lhs_end).fallback("None").doc("End of those axes, not included.");
    f.field("rhs_begin", &P::rhs_begin)
        .fallback("None")
        .doc("First axis of the second input that replaces them.");
    f.field("rhs_end", &P::rhs_end).fallback("None").doc("End of those axes, not included.");
  }
};

int place(std::optional<int> at, int otherwise, int ndim) {
  if (!at) return otherwise;
  const int i = *at < 0 ? *at + ndim : *at;
  GEMEL_CHECK(i >= 0 && i <= ndim, "[reshape_like] axis {} is out of range for an array of {} axes",
              *at, ndim);
  return i;
}

void reshape_like_shape(ShapeContext& context) {
  const auto& p = context.params<ReshapeLikeParameters>();
  const Shape &left = context.in[0], &right = context.in[1];
  if (left.ndim() < 0 || right.ndim() < 0) return;
  const int first = place(p.lhs_begin, 0, left.ndim()),
            last = place(p.lhs_end, left.ndim(), left.ndim());
  const int from = place(p.rhs_begin, 0, right.ndim()),
            to = place(p.rhs_end, right.ndim(), right.ndim());
  Shape result;
  for (int i = 0; i < first; ++i) result.push_back(left[i]);
  for (int i = from; i < to; ++i) result.push_back(right[i]);
  for (int i = last; i < left.ndim(); ++i) result.push_back(left[i]);
  GEMEL_CHECK(!left.known() || !result.known() || left.size() == result.size(),
              "[reshape_like] expected a shape of {} elements for {}, got {}", left.size(), left,
              result);
  context.set_out(0, result);
}

void copy_memory(const OpCall& call) {
  const Tensor &in = call.in[0], &out = call.out[0];
  if (in.address != out.address) std::copy_n(in.address, in.bytes(), out.address);
}

}  // namespace

GEMEL_OPERATORS(shape_of) {
  op<ReshapeLikeParameters>("reshape_like")
      .doc("The first input with some axes replaced by axes of the second.")
      .inputs({"lhs", "rhs"})
      .shape(reshape_like_shape)
      .type([](TypeContext& c) {
        c.set_out(0, c.in[0]);
        c.set_in(0, c.out[0]);
      })
      .gradient([](const GradientContext& c) {
        return std::vector<Entry>{c.make("_reshape_as", {c.dy(), c.in(0)}), Entry{}};
      })
      .implement("copy", copy_memory)
      .shares_memory(0, 0)
      .inplace({{0, 0}})
      .sample({.shapes = {{2, 6}, {3, 4}}})
      .sample({.shapes = {{12, 2}, {3, 4, 5}},
               .attributes = {
                   {"lhs_begin", "0"}, {"lhs_end", "1"}, {"rhs_begin", "0"}, {"rhs_end", "-1"}}});
  op("_identity_with_attr_like_rhs")
      .doc("The first input; the second says its shape and type only.")
      .inputs({"lhs", "rhs"})
      .shape(same_shape)
      .type(same_type)
      .shape_only({1})
      .gradient([](const GradientContext& c) {
        return std::vector<Entry>{c.dy(), Entry{}};
      })
      .implement("copy", copy_memory)
      .shares_memory(0, 0)
      .inplace({{0, 0}})
      .sample({.shapes = {{2, 3}, {2, 3}}});
  op("shape_array")
      .doc("The shape of the input as an int64 array.")
      .inputs({"data"})
      .shape([](ShapeContext& c) {
        if (c.in[0].ndim() >= 0) c.set_out(0, Shape{c.in[0].ndim()});
      })
      .type([](TypeContext& c) { c.set_out(0, DType::int64); })
      .shape_only({0})
      .no_gradient()
      .implement("copy",
                 [](const OpCall& call) {
                   std::copy(call.in[0].shape.begin(), call.in[0].shape.end(),
                             call.out[0].data<int64_t>());
                 })
      .sample({.shapes = {{2, 3}}});
  op("size_array")
      .doc("The number of elements of the input as an int64 array of one.")
      .inputs({"data"})
      .shape([](ShapeContext& c) { c.set_out(0, Shape{1}); })
      .type([](TypeContext& c) { c.set_out(0, DType::int64); })
      .shape_only({0})
      .no_gradient()
      .implement("copy",
                 [](const OpCall& call) { *call.out[0].data<int64_t>() = call.in[0].size(); })
      .sample({.shapes = {{2, 3}}});
}

}  // namespace gemel
