// Adam (Kingma and Ba 2015). The bias correction is the caller's: it goes into lr.
#include "ops/optimizer/update.h"

namespace gemel {

namespace {

using pointwise::Expr;
using pointwise::input;
using pointwise::scalar;

struct AdamParameters : UpdateParameters {
  float beta1 = 0.9f, beta2 = 0.999f, epsilon = 1e-8f;
  static void declare(Fields<AdamParameters>& f) {
    declare_update(f, [&f] {
      f.field("beta1", &AdamParameters::beta1)
          .fallback("0.899999976")
          .doc("Decay of the mean of gradients.");
      f.field("beta2", &AdamParameters::beta2)
          .fallback("0.999000013")
          .doc("Decay of the mean of their squares.");
      f.field("epsilon", &AdamParameters::epsilon)
          .fallback("9.99999994e-09")
          .doc("Added to the root of the second mean.");
    });
  }
};

std::vector<Expr> adam_value(const Update::Clip& clip) {
  const Expr lr = scalar(1), wd = scalar(2), rescale = scalar(3), beta1 = scalar(4),
             beta2 = scalar(5), epsilon = scalar(6);
  const Expr gradient = clip(rescale * input(1) + wd * input(0));
  const Expr mean = beta1 * input(2) + (1.0 - beta1) * gradient;
  const Expr variance = beta2 * input(3) + (1.0 - beta2) * square(gradient);
  return {input(0) - lr * mean / (sqrt(variance) + epsilon), mean, variance};
}

}  // namespace

GEMEL_OPERATORS(adam) {
  OpBuilder adam = op<AdamParameters>("adam_update");
  adam.doc("One step of Adam; the gradient is clip(rescale_grad * grad + wd * weight).")
      .inputs({"weight", "grad", "mean", "var"})
      .type(same_type)
      .sample({.shapes = {{3, 4}, {3, 4}, {3, 4}, {3, 4}},
               .attributes = {{"lr", "0.1"}, {"wd", "0.01"}},
               .ranges = {{-1, 1}, {-1, 1}, {-1, 1}, {0, 1}}});
  implement_update(adam, {adam_value, {2, 3}, [](const Parameters& parameters) {
                            const auto& p = static_cast<const AdamParameters&>(parameters);
                            return std::vector<double>{p.lr,    p.wd,    p.rescale_grad,
                                                       p.beta1, p.beta2, p.epsilon};
                          }});
}

}  // namespace gemel
