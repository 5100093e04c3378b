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
    UpdateFields<AdamParameters>{f}.lr().betas().epsilon().wd().rescale().clip().lazy();
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
      .sample({.shapes = {{3, 4}, {3, 4}, {3, 4}, {3, 4}},
               .attributes = {{"lr", "0.1"}, {"wd", "0.01"}},
               .ranges = {{-1, 1}, {-1, 1}, {-1, 1}, {0, 1}}});
  implement_update(adam, {adam_value, {2, 3}, [](const OpCall& call, int) {
                            const auto& p = call.params<AdamParameters>();
                            return std::vector<double>{p.lr,    p.wd,    p.rescale_grad,
                                                       p.beta1, p.beta2, p.epsilon};
                          }});
}

}  // namespace gemel
