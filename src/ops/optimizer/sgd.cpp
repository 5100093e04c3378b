// Stochastic gradient descent, with and without momentum, also with a float32 copy of a half
// weight; and Nesterov's form of the momentum.
#include "ops/optimizer/formulas.h"

namespace gemel {

namespace {

using namespace formulas;
using Formula = simd::UpdateFormula;

struct SgdParameters : UpdateParameters {
  static void declare(Fields<SgdParameters>& f) {
    UpdateFields<SgdParameters>{f}.lr().wd().rescale().clip().lazy();
  }
};

struct MomentumParameters : UpdateParameters {
  float momentum = 0;
  static auto& declare_all(UpdateFields<MomentumParameters>& all) {
    return all.lr()
        .number("momentum", &MomentumParameters::momentum, "0",
                "How much of the last step is kept.")
        .wd()
        .rescale()
        .clip();
  }
  static void declare(Fields<MomentumParameters>& f) {
    UpdateFields<MomentumParameters> all{f};
    declare_all(all).lazy();
  }
};
struct NesterovParameters : MomentumParameters {
  static void declare(Fields<NesterovParameters>& f) {
    declare_for<MomentumParameters>(f, [](auto all) { declare_all(all); });
  }
};

std::vector<double> sgd_scalars(const OpCall& call, int) {
  const auto& p = call.params<SgdParameters>();
  return {p.lr, p.wd, p.rescale_grad};
}
std::vector<double> momentum_scalars(const OpCall& call, int) {
  const auto& p = call.params<MomentumParameters>();
  return {p.lr, p.wd, p.rescale_grad, p.momentum};
}

}  // namespace

GEMEL_OPERATORS(sgd) {
  OpBuilder plain = op<SgdParameters>("sgd_update");
  plain.doc("weight - lr * (clip(rescale_grad * grad) + wd * weight).")
      .inputs({"weight", "grad"})
      .sample({.shapes = {{3, 4}, {3, 4}},
               .attributes = {{"lr", "0.1"}, {"wd", "0.01"}, {"clip_gradient", "0.5"}}});
  implement_update(plain, {.value = values<Sgd>, .scalars = sgd_scalars, .formula = Formula::sgd});

  OpBuilder momentum = op<MomentumParameters>("sgd_mom_update");
  momentum
      .doc("mom = momentum * mom - lr * (clip(rescale_grad * grad) + wd * weight); weight + mom.")
      .inputs({"weight", "grad", "mom"})
      .sample({.shapes = {{3, 4}, {3, 4}, {3, 4}},
               .attributes = {{"lr", "0.1"}, {"momentum", "0.9"}, {"wd", "0.01"}}});
  implement_update(momentum, {.value = values<Momentum>,
                              .mutates = {2},
                              .scalars = momentum_scalars,
                              .formula = Formula::momentum});

  OpBuilder mixed = op<SgdParameters>("mp_sgd_update");
  mixed.doc("sgd_update on a float32 copy of the weight, from which the weight is rounded.")
      .inputs({"weight", "grad", "weight32"})
      .sample({.shapes = {{3, 4}, {3, 4}, {3, 4}}, .attributes = {{"lr", "0.1"}}});
  implement_update(mixed, {mixed_values<Sgd, 2>, {2}, sgd_scalars, 3, 2});

  OpBuilder mixed_momentum = op<MomentumParameters>("mp_sgd_mom_update");
  mixed_momentum
      .doc("sgd_mom_update on a float32 copy of the weight, from which the weight is rounded.")
      .inputs({"weight", "grad", "mom", "weight32"})
      .sample({.shapes = {{3, 4}, {3, 4}, {3, 4}, {3, 4}},
               .attributes = {{"lr", "0.1"}, {"momentum", "0.9"}}});
  implement_update(mixed_momentum, {mixed_values<Momentum, 3>, {2, 3}, momentum_scalars, 4, 2});

  OpBuilder nag = op<NesterovParameters>("nag_mom_update");
  nag.doc(
         "Nesterov's momentum: step = lr * (clip(rescale_grad * grad) + wd * weight), "
         "mom = momentum * mom - step; weight + momentum * mom - step.")
      .inputs({"weight", "grad", "mom"})
      .sample({.shapes = {{3, 4}, {3, 4}, {3, 4}},
               .attributes = {{"lr", "0.1"}, {"momentum", "0.9"}, {"wd", "0.1"}}})
      .sample({.shapes = {{5}, {5}, {5}},
               .attributes = {{"lr", "0.1"}, {"clip_gradient", "0.3"}, {"rescale_grad", "0.7"}}});
  implement_update(nag, {.value = values<Nesterov>,
                         .mutates = {2},
                         .scalars = momentum_scalars,
                         .formula = Formula::nesterov});

  OpBuilder mixed_nag = op<NesterovParameters>("mp_nag_mom_update");
  mixed_nag.doc("nag_mom_update on a float32 copy of the weight, from which the weight is rounded.")
      .inputs({"weight", "grad", "mom", "weight32"})
      .sample({.shapes = {{3, 4}, {3, 4}, {3, 4}, {3, 4}},
               .attributes = {{"lr", "0.1"}, {"momentum", "0.9"}, {"wd", "0.1"}}});
  implement_update(mixed_nag, {mixed_values<Nesterov, 3>, {2, 3}, momentum_scalars, 4, 2});
}

}  // namespace gemel
