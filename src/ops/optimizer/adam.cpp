// Adam (Kingma and Ba 2015). The bias correction is the caller's: it goes into lr.
#include "ops/optimizer/formulas.h"

namespace gemel {

namespace {

struct AdamParameters : UpdateParameters {
  float beta1 = 0.9f, beta2 = 0.999f, epsilon = 1e-8f;
  static void declare(Fields<AdamParameters>& f) {
    UpdateFields<AdamParameters>{f}.lr().betas().epsilon().wd().rescale().clip().lazy();
  }
};

}  // namespace

GEMEL_OPERATORS(adam) {
  OpBuilder adam = op<AdamParameters>("adam_update");
  adam.doc("One step of Adam; the gradient is clip(rescale_grad * grad + wd * weight).")
      .inputs({"weight", "grad", "mean", "var"})
      .sample({.shapes = {{3, 4}, {3, 4}, {3, 4}, {3, 4}},
               .attributes = {{"lr", "0.1"}, {"wd", "0.01"}},
               .ranges = {{-1, 1}, {-1, 1}, {-1, 1}, {0, 1}}});
  implement_update(adam, {.value = formulas::values<formulas::Adam>,
                          .mutates = {2, 3},
                          .scalars =
                              [](const OpCall& call, int) {
                                const auto& p = call.params<AdamParameters>();
                                return std::vector<double>{p.lr,    p.wd,    p.rescale_grad,
                                                           p.beta1, p.beta2, p.epsilon};
                              },
                          .formula = simd::UpdateFormula::adam});
}

}  // namespace gemel
