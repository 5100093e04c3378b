// Coordinates in an array and positions in its memory: _ravel_multi_index, _unravel_index.
#include <optional>

#include "op/registry.h"
#include "ops/index/elements.h"

namespace gemel {

namespace {

struct MultiIndexParameters : Parameters {
  std::optional<Shape> shape;
  static void declare(Fields<MultiIndexParameters>& f) {
    f.field("shape", &MultiIndexParameters::shape)
        .fallback("None")
        .doc("Shape of the array; the first length may be -1.")
        .type = "Shape(tuple)";
  }
};

const Shape& shape_of(const Parameters& parameters, std::string_view who) {
  const auto& p = static_cast<const MultiIndexParameters&>(parameters);
  GEMEL_CHECK(p.shape && p.shape->ndim() > 0,
              "[{}] expected a shape of at least one axis, got none", who);
  return *p.shape;
}

void ravel_shape(ShapeContext& c) {
  const int axes = shape_of(c.parameters, c.op.name()).ndim();
  const Shape& in = c.in[0];
  if (in.ndim() < 0) return;
  GEMEL_CHECK(in.ndim() >= 1 && in[0] == axes,
              "[{}] data: expected a first axis of length {}, one row for each axis, got shape {}",
              c.op.name(), axes, in);
  Shape out;
  for (int i = 1; i < in.ndim(); ++i) out.push_back(in[i]);
  c.set_out(0, out);
}

void unravel_shape(ShapeContext& c) {
  const int axes = shape_of(c.parameters, c.op.name()).ndim();
  if (c.in[0].ndim() < 0) return;
  Shape out;
  out.push_back(axes);
  for (int64_t n : c.in[0]) out.push_back(n);
  c.set_out(0, out);
}

void ravel(const OpCall& call) {
  const Shape& shape = shape_of(call.parameters, call.op.name());
  const int64_t count = call.out[0].size();
  for (int64_t i = 0; i < count; ++i) {
    int64_t place = 0;
    for (int axis = 0; axis < shape.ndim(); ++axis)
      place = place * shape[axis] + static_cast<int64_t>(element(call.in[0], axis * count + i));
    set_element(call.out[0], i, static_cast<double>(place));
  }
}

void unravel(const OpCall& call) {
  const Shape& shape = shape_of(call.parameters, call.op.name());
  const int64_t count = call.in[0].size();
  for (int64_t i = 0; i < count; ++i) {
    auto rest = static_cast<int64_t>(element(call.in[0], i));
    for (int axis = shape.ndim() - 1; axis >= 0; --axis) {
      const int64_t own = axis ? rest % shape[axis] : rest;
      rest = axis ? rest / shape[axis] : 0;
      set_element(call.out[0], axis * count + i, static_cast<double>(own));
    }
  }
}

}  // namespace

GEMEL_OPERATORS(multi_index) {
  op<MultiIndexParameters>("_ravel_multi_index")
      .alias({"ravel_multi_index"})
      .doc("Positions in an array of `shape` in memory from its coordinates, a row for each axis.")
      .inputs({"data"})
      .shape(ravel_shape)
      .type(same_type)
      .no_gradient()
      .implement("reference", ravel)
      .sample({.shapes = {{2, 4}}, .attributes = {{"shape", "(3, 4)"}}, .low = 0, .high = 3});
  op<MultiIndexParameters>("_unravel_index")
      .alias({"unravel_index"})
      .doc("Coordinates in an array of `shape`, a row for each axis, from positions in memory.")
      .inputs({"data"})
      .shape(unravel_shape)
      .type(same_type)
      .no_gradient()
      .implement("reference", unravel)
      .sample({.shapes = {{5}}, .attributes = {{"shape", "(3, 4)"}}, .low = 0, .high = 12});
}

}  // namespace gemel
