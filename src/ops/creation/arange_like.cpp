// Ranges in the shape of an array, and whether two arrays are close.
#include <cmath>
#include <optional>

#include "op/registry.h"
#include "ops/index/elements.h"

namespace gemel {

namespace {

struct ArangeLikeParameters : Parameters {
  using P = ArangeLikeParameters;
  double start = 0, step = 1;
  int repeat = 1;
  std::string ctx;
  std::optional<int> axis;
  static void declare(Fields<P>& f) {
    f.field("start", &P::start).fallback("0").doc("First value.");
    f.field("step", &P::step).fallback("1").doc("Distance between values.");
    f.field("repeat", &P::repeat).fallback("1").range(1, 1e9).doc("How often each value comes.");
    f.field("ctx", &P::ctx).fallback("").doc("Not used: the array says where.");
    f.field("axis", &P::axis)
        .fallback("None")
        .doc("Take the length of this axis; None: the whole shape.");
  }
};

void arange_like_shape(ShapeContext& c) {
  const auto& p = c.params<ArangeLikeParameters>();
  const Shape& in = c.in[0];
  if (in.ndim() < 0) return;
  if (!p.axis) return c.set_out(0, in);
  const int axis = *p.axis < 0 ? *p.axis + in.ndim() : *p.axis;
  GEMEL_CHECK(axis >= 0 && axis < in.ndim(), "[{}] axis: expected one of shape {}, got {}",
              c.op.name(), in, *p.axis);
  c.set_out(0, Shape{in[axis]});
}

struct CloseParameters : Parameters {
  float rtol = 1e-5f, atol = 1e-8f;
  bool equal_nan = true;
  static void declare(Fields<CloseParameters>& f) {
    f.field("rtol", &CloseParameters::rtol)
        .fallback("9.99999975e-06")
        .doc("Tolerance relative to b.");
    f.field("atol", &CloseParameters::atol).fallback("9.99999994e-09").doc("Absolute tolerance.");
    f.field("equal_nan", &CloseParameters::equal_nan)
        .fallback("1")
        .doc("Whether two NaNs count as equal.");
  }
};

bool is_close(const CloseParameters& p, double a, double b) {
  if (std::isnan(a) || std::isnan(b)) return p.equal_nan && std::isnan(a) && std::isnan(b);
  return a == b || std::abs(a - b) <= double{p.atol} + double{p.rtol} * std::abs(b);
}

}  // namespace

GEMEL_OPERATORS(arange_like) {
  op<ArangeLikeParameters>("_contrib_arange_like")
      .doc("start, start + step, ... in the shape of the input, or as long as one of its axes.")
      .inputs({"data"})
      .shape(arange_like_shape)
      .type(same_type)
      .shape_only({0})
      .no_gradient()
      .implement("reference",
                 [](const OpCall& c) {
                   const auto& p = c.params<ArangeLikeParameters>();
                   for (int64_t i = 0; i < c.out[0].size(); ++i)
                     set_element(c.out[0], i, p.start + p.step * static_cast<double>(i / p.repeat));
                 })
      .sample({.shapes = {{2, 3}}, .attributes = {{"start", "1"}, {"step", "0.5"}}})
      .sample({.shapes = {{2, 4}}, .attributes = {{"axis", "-1"}, {"repeat", "2"}}});
  op<CloseParameters>("_contrib_allclose")
      .doc("1 where |a - b| <= atol + rtol |b| for all elements, else 0; one uint8 number.")
      .inputs({"a", "b"})
      .shape([](ShapeContext& c) {
        c.set_in(1, c.in[0]);
        c.set_in(0, c.in[1]);
        c.set_out(0, Shape{});
      })
      .type([](TypeContext& c) {
        c.set_in(1, c.in[0]);
        c.set_in(0, c.in[1]);
        c.set_out(0, DType::uint8);
      })
      .no_gradient()
      .implement("reference",
                 [](const OpCall& c) {
                   const auto& p = c.params<CloseParameters>();
                   bool close = true;
                   for (int64_t i = 0; close && i < c.in[0].size(); ++i)
                     close = is_close(p, element(c.in[0], i), element(c.in[1], i));
                   *c.out[0].data<uint8_t>() = close;
                 })
      .sample({.shapes = {{2, 3}, {2, 3}}, .attributes = {{"atol", "3"}}})
      .sample({.shapes = {{2, 3}, {2, 3}}});
}

}  // namespace gemel
