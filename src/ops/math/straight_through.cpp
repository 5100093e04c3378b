// Functions whose gradient is chosen rather than derived, and other small formulas of contrib.
#include <cmath>

#include "pointwise/operator.h"

namespace gemel {

namespace {

using pointwise::define;
using pointwise::Expr;
using pointwise::scalar;

struct QuadraticParameters : Parameters {
  float a = 0, b = 0, c = 0;
  static void declare(Fields<QuadraticParameters>& f) {
    f.field("a", &QuadraticParameters::a).fallback("0").doc("Factor of the square.");
    f.field("b", &QuadraticParameters::b).fallback("0").doc("Factor of the element.");
    f.field("c", &QuadraticParameters::c).fallback("0").doc("Constant.");
  }
};

void div_sqrt_dim(const OpCall& call) {
  static const pointwise::Program scale({scalar(0) * pointwise::input(0)});
  const Shape& shape = call.in[0].shape;
  const double factor = 1 / std::sqrt(static_cast<double>(shape[shape.ndim() - 1]));
  scale.run(call.in, std::span(&factor, 1), call.out);
}

}  // namespace

GEMEL_OPERATORS(straight_through) {
  using QP = QuadraticParameters;
  define<QP>("_contrib_quadratic")
      .doc("a x^2 + b x + c.")
      .scalars<QP>(std::vector<float QP::*>{&QP::a, &QP::b, &QP::c})
      .value([](Expr x) { return (scalar(0) * x + scalar(1)) * x + scalar(2); })
      .sample_attributes({{"a", "2"}, {"b", "-1"}, {"c", "3"}})
      .sample(-2, 2);
  pointwise::define_scalar("_contrib_gradientmultiplier")
      .doc("The input itself; its gradient is multiplied by the scalar.")
      .type(same_type)
      .value([](Expr x, Expr) { return x; })
      .gradient([](Expr, Expr factor, Expr dy) {
        return pointwise::Pair{dy * factor, dy};
      })
      .sample(-2, 2);
  define("_contrib_round_ste")
      .doc("round(x), with the gradient of the identity (straight through).")
      .value([](Expr x) { return round(x); })
      .gradient([](Expr, Expr dy) { return dy; })
      .sample(-3, 3);
  define("_contrib_sign_ste")
      .doc("sign(x), with the gradient of the identity (straight through).")
      .value([](Expr x) { return sign(x); })
      .gradient([](Expr, Expr dy) { return dy; })
      .sample(-3, 3);
  op("_contrib_div_sqrt_dim")
      .doc("The input over the square root of the length of its last axis.")
      .inputs({"data"})
      .shape([](ShapeContext& c) {
        same_shape(c);
        GEMEL_CHECK(c.in[0].ndim() != 0, "[{}] expected at least 1 axis, got shape {}", c.op.name(),
                    c.in[0]);
      })
      .type(same_type)
      .gradient([](const GradientContext& c) {
        return std::vector<Entry>{c.make("_contrib_div_sqrt_dim", {c.dy()})};
      })
      .inplace({{0, 0}})
      .implement("tape", div_sqrt_dim)
      .sample({.shapes = {{2, 3, 4}}});
}

}  // namespace gemel
