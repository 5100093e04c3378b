// Stochastic gradient descent, with and without momentum, also with a float32 copy of a half
// weight.
#include "ops/optimizer/update.h"

namespace gemel {

namespace {

using pointwise::Expr;
using pointwise::input;
using pointwise::scalar;

struct SgdParameters : UpdateParameters {
  static void declare(Fields<SgdParameters>& f) {
    declare_update(f, [] {});
  }
};
struct MomentumParameters : UpdateParameters {
  float momentum = 0;
  static void declare(Fields<MomentumParameters>& f) {
    declare_update(f, [&f] {
      f.field("momentum", &MomentumParameters::momentum)
          .fallback("0")
          .doc("How much of the last step is kept.");
    });
  }
};

std::vector<double> sgd_scalars(const Parameters& parameters) {
  const auto& p = static_cast<const SgdParameters&>(parameters);
  return {p.lr, p.wd, p.rescale_grad};
}
std::vector<double> momentum_scalars(const Parameters& parameters) {
  const auto& p = static_cast<const MomentumParameters&>(parameters);
  return {p.lr, p.wd, p.rescale_grad, p.momentum};
}

// lr * (clip(rescale * gradient) + wd * weight)
Expr sgd_step(const Update::Clip& clip, Expr weight) {
  return scalar(1) * (clip(scalar(3) * input(1)) + scalar(2) * weight);
}

// The last input is float32, whatever the weight is.
void master_type(TypeContext& context, int first_float) {
  context.set_in(1, context.in[0]);
  context.set_in(0, context.in[1]);
  context.set_out(0, context.in[0]);
  context.set_in(0, context.out[0]);
  for (int i = first_float; i < static_cast<int>(context.in.size()); ++i)
    context.set_in(i, DType::float32);
}

}  // namespace

GEMEL_OPERATORS(sgd) {
  OpBuilder plain = op<SgdParameters>("sgd_update");
  plain.doc("weight - lr * (clip(rescale_grad * grad) + wd * weight).")
      .inputs({"weight", "grad"})
      .type(same_type)
      .sample({.shapes = {{3, 4}, {3, 4}},
               .attributes = {{"lr", "0.1"}, {"wd", "0.01"}, {"clip_gradient", "0.5"}}});
  implement_update(plain, {[](const Update::Clip& clip) {
                             return std::vector<Expr>{input(0) - sgd_step(clip, input(0))};
                           },
                           {},
                           sgd_scalars});

  OpBuilder momentum = op<MomentumParameters>("sgd_mom_update");
  momentum
      .doc("mom = momentum * mom - lr * (clip(rescale_grad * grad) + wd * weight); weight + mom.")
      .inputs({"weight", "grad", "mom"})
      .type(same_type)
      .sample({.shapes = {{3, 4}, {3, 4}, {3, 4}},
               .attributes = {{"lr", "0.1"}, {"momentum", "0.9"}, {"wd", "0.01"}}});
  implement_update(momentum, {[](const Update::Clip& clip) {
                                const Expr mom = scalar(4) * input(2) - sgd_step(clip, input(0));
                                return std::vector<Expr>{input(0) + mom, mom};
                              },
                              {2},
                              momentum_scalars});

  OpBuilder mixed = op<SgdParameters>("mp_sgd_update");
  mixed.doc("sgd_update on a float32 copy of the weight, from which the weight is rounded.")
      .inputs({"weight", "grad", "weight32"})
      .type([](TypeContext& c) { master_type(c, 2); })
      .sample({.shapes = {{3, 4}, {3, 4}, {3, 4}}, .attributes = {{"lr", "0.1"}}});
  implement_update(mixed, {[](const Update::Clip& clip) {
                             const Expr weight = input(2) - sgd_step(clip, input(2));
                             return std::vector<Expr>{weight, weight};
                           },
                           {2},
                           sgd_scalars});

  OpBuilder mixed_momentum = op<MomentumParameters>("mp_sgd_mom_update");
  mixed_momentum
      .doc("sgd_mom_update on a float32 copy of the weight, from which the weight is rounded.")
      .inputs({"weight", "grad", "mom", "weight32"})
      .type([](TypeContext& c) { master_type(c, 2); })
      .sample({.shapes = {{3, 4}, {3, 4}, {3, 4}, {3, 4}},
               .attributes = {{"lr", "0.1"}, {"momentum", "0.9"}}});
  implement_update(mixed_momentum, {[](const Update::Clip& clip) {
                                      const Expr mom =
                                          scalar(4) * input(2) - sgd_step(clip, input(3));
                                      const Expr weight = input(3) + mom;
                                      return std::vector<Expr>{weight, mom, weight};
                                    },
                                    {2, 3},
                                    momentum_scalars});
}

}  // namespace gemel
