// RMSProp (Tieleman and Hinton 2012) and its centred form with momentum (Graves 2013).
#include "ops/optimizer/formulas.h"

namespace gemel {

namespace {

using pointwise::Expr;
using pointwise::input;
using pointwise::scalar;

struct RmspropParameters : UpdateParameters {
  float gamma1 = 0.95f, gamma2 = 0.9f, epsilon = 1e-8f, clip_weights = -1;
  static void declare_all(UpdateFields<RmspropParameters> all, bool centred) {
    all.lr().number("gamma1", &RmspropParameters::gamma1, "0.949999988",
                    "Decay of the mean of squared gradients.");
    if (centred)
      all.number("gamma2", &RmspropParameters::gamma2, "0.899999976",
                 "How much of the last step is kept.");
    all.epsilon().wd().rescale().clip().number(
        "clip_weights", &RmspropParameters::clip_weights, "-1",
        "Limit of the magnitude of the weights; negative: none.");
  }
  static void declare(Fields<RmspropParameters>& f) { declare_all({f}, false); }
};
struct CentredParameters : RmspropParameters {
  static void declare(Fields<CentredParameters>& f) {
    declare_for<RmspropParameters>(f, [](auto all) { declare_all(all, true); });
  }
};

std::vector<double> rmsprop_scalars(const OpCall& call, int) {
  const auto& p = call.params<RmspropParameters>();
  const double limit = p.clip_weights >= 0 ? p.clip_weights : HUGE_VAL;
  return {p.lr, p.wd, p.rescale_grad, p.gamma1, p.epsilon, limit, p.gamma2};
}

Expr rmsprop_gradient(const Update::Clip& clip) {
  return clip(scalar(3) * input(1) + scalar(2) * input(0));
}
Expr decayed(Expr old, Expr added) { return scalar(4) * old + (1.0 - scalar(4)) * added; }
Expr limited_weight(Expr weight) { return clip(weight, -scalar(6), scalar(6)); }

}  // namespace

GEMEL_OPERATORS(rmsprop) {
  OpBuilder plain = op<RmspropParameters>("rmsprop_update");
  plain
      .doc(
          "RMSProp (Tieleman and Hinton 2012): n = gamma1 * n + (1 - gamma1) * g^2; "
          "weight - lr * g / sqrt(n + epsilon), where g = clip(rescale_grad * grad + wd * weight).")
      .inputs({"weight", "grad", "n"})
      .sample({.shapes = {{3, 4}, {3, 4}, {3, 4}},
               .attributes = {{"lr", "0.1"}, {"wd", "0.1"}},
               .ranges = {{-1, 1}, {-1, 1}, {0.1, 1}}})
      .sample({.shapes = {{5}, {5}, {5}},
               .attributes = {{"lr", "0.1"}, {"clip_gradient", "0.3"}, {"clip_weights", "0.5"}},
               .ranges = {{-1, 1}, {-1, 1}, {0.1, 1}}});
  implement_update(plain, {.value = formulas::values<formulas::Rmsprop>,
                           .mutates = {2},
                           .scalars = rmsprop_scalars,
                           .formula = simd::UpdateFormula::rmsprop});

  OpBuilder centred = op<CentredParameters>("rmspropalex_update");
  centred
      .doc(
          "RMSProp with the variance of the gradient and momentum (Graves 2013, equations 38 to "
          "45): delta = gamma2 * delta - lr * g / sqrt(n - mean^2 + epsilon); weight + delta.")
      .inputs({"weight", "grad", "n", "g", "delta"})
      .sample({.shapes = {{3, 4}, {3, 4}, {3, 4}, {3, 4}, {3, 4}},
               .attributes = {{"lr", "0.1"}, {"wd", "0.1"}},
               .ranges = {{-1, 1}, {-1, 1}, {0.5, 1}, {-0.2, 0.2}, {-1, 1}}})
      .sample({.shapes = {{5}, {5}, {5}, {5}, {5}},
               .attributes = {{"lr", "0.1"}, {"clip_gradient", "0.3"}, {"clip_weights", "0.5"}},
               .ranges = {{-1, 1}, {-1, 1}, {0.5, 1}, {-0.2, 0.2}, {-1, 1}}});
  implement_update(centred,
                   {[](const Update::Clip& clip) {
                      const Expr g = rmsprop_gradient(clip);
                      const Expr n = decayed(input(2), square(g)), mean = decayed(input(3), g);
                      const Expr delta =
                          scalar(7) * input(4) - scalar(1) * g / sqrt(n - square(mean) + scalar(5));
                      return std::vector<Expr>{limited_weight(input(0) + delta), n, mean, delta};
                    },
                    {2, 3, 4},
                    rmsprop_scalars});
}

}  // namespace gemel
