// Updates of the family "follow the regularised leader": FTRL-proximal (McMahan et al. 2013) and
// FTML (Zheng and Kwok 2017).
#include <cmath>

#include "ops/optimizer/update.h"

namespace gemel {

namespace {

using pointwise::Expr;
using pointwise::input;
using pointwise::scalar;

struct FtrlParameters : UpdateParameters {
  float lamda1 = 0.01f, beta = 1;
  static void declare(Fields<FtrlParameters>& f) {
    UpdateFields<FtrlParameters>{f}
        .lr()
        .number("lamda1", &FtrlParameters::lamda1, "0.00999999978", "Weight of the L1 norm.")
        .number("beta", &FtrlParameters::beta, "1", "Learning rates begin to fall after this.")
        .wd()
        .rescale()
        .clip();
  }
};

// (weight, grad, z, n)
std::vector<Expr> ftrl_value(const Update::Clip& clip) {
  const Expr lr = scalar(1), wd = scalar(2), lamda1 = scalar(4), beta = scalar(5);
  const Expr g = clip(scalar(3) * input(1));
  const Expr n = input(3) + square(g);
  const Expr z = input(2) + g - (sqrt(n) - sqrt(input(3))) * input(0) / lr;
  const Expr weight = (sign(z) * lamda1 - z) / ((beta + sqrt(n)) / lr + wd);
  return {weight * greater(abs(z), lamda1), z, n};
}

struct FtmlParameters : UpdateParameters {
  float beta1 = 0.6f, beta2 = 0.999f;
  double epsilon = 1e-8;
  int t = 0;
  static void declare(Fields<FtmlParameters>& f) {
    UpdateFields<FtmlParameters> fields{f};
    fields.lr().betas("0.600000024");
    f.field("epsilon", &FtmlParameters::epsilon)
        .fallback("9.9999999392252903e-09")
        .doc("Keeps the divisor away from 0.");
    f.field("t", &FtmlParameters::t).doc("Number of this step, from 1.");
    fields.wd().rescale().clip("clip_grad");
  }
};

// (weight, grad, d, v, z)
std::vector<Expr> ftml_value(const Update::Clip& clip) {
  const Expr wd = scalar(2), rescale = scalar(3), beta1 = scalar(4), beta2 = scalar(5),
             epsilon = scalar(6), rate = scalar(7), correction = scalar(8);
  const Expr g = clip(rescale * input(1) + wd * input(0));
  const Expr v = beta2 * input(3) + (1.0 - beta2) * square(g);
  const Expr d = rate * (sqrt(v / correction) + epsilon);
  const Expr z = beta1 * input(4) + (1.0 - beta1) * g - (d - beta1 * input(2)) * input(0);
  return {-(z / d), d, v, z};
}

std::vector<double> ftml_scalars(const OpCall& call, int) {
  const auto& p = call.params<FtmlParameters>();
  return {p.lr,
          p.wd,
          p.rescale_grad,
          p.beta1,
          p.beta2,
          p.epsilon,
          (1 - std::pow(double{p.beta1}, p.t)) / p.lr,
          1 - std::pow(double{p.beta2}, p.t)};
}

}  // namespace

GEMEL_OPERATORS(follow_the_leader) {
  OpBuilder ftrl = op<FtrlParameters>("ftrl_update");
  ftrl.doc("One step of FTRL-proximal (McMahan et al. 2013, Ad click prediction).")
      .inputs({"weight", "grad", "z", "n"})
      .sample({.shapes = {{3, 4}, {3, 4}, {3, 4}, {3, 4}},
               .attributes = {{"lr", "0.1"}, {"wd", "0.1"}},
               .ranges = {{-1, 1}, {-1, 1}, {-1, 1}, {0.1, 1}}})
      .sample({.shapes = {{5}, {5}, {5}, {5}},
               .attributes = {{"lr", "0.1"}, {"clip_gradient", "0.3"}, {"lamda1", "0.5"}},
               .ranges = {{-1, 1}, {-1, 1}, {-1, 1}, {0.1, 1}}});
  implement_update(ftrl,
                   {ftrl_value, {2, 3}, [](const OpCall& call, int) {
                      const auto& p = call.params<FtrlParameters>();
                      return std::vector<double>{p.lr, p.wd, p.rescale_grad, p.lamda1, p.beta};
                    }});

  OpBuilder ftml = op<FtmlParameters>("ftml_update");
  ftml.doc("One step of FTML (Zheng and Kwok 2017, Follow the moving leader in deep learning).")
      .inputs({"weight", "grad", "d", "v", "z"})
      .sample({.shapes = {{3, 4}, {3, 4}, {3, 4}, {3, 4}, {3, 4}},
               .attributes = {{"lr", "0.1"}, {"wd", "0.1"}, {"t", "3"}},
               .ranges = {{-1, 1}, {-1, 1}, {0.1, 1}, {0.1, 1}, {-1, 1}}})
      .sample({.shapes = {{5}, {5}, {5}, {5}, {5}},
               .attributes = {{"lr", "0.1"}, {"clip_grad", "0.3"}, {"t", "1"}},
               .ranges = {{-1, 1}, {-1, 1}, {0.1, 1}, {0.1, 1}, {-1, 1}}});
  implement_update(ftml, {ftml_value, {2, 3, 4}, ftml_scalars});
}

}  // namespace gemel
