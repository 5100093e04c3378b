// Updates by the sign of the gradient or of its mean (Bernstein et al. 2018).
#include "ops/optimizer/update.h"

namespace gemel {

namespace {

using pointwise::Expr;
using pointwise::input;
using pointwise::scalar;

struct SignParameters : UpdateParameters {
  static void declare(Fields<SignParameters>& f) {
    UpdateFields<SignParameters>{f}.lr().wd().rescale().clip();
  }
};
struct SignumParameters : UpdateParameters {
  float momentum = 0, wd_lh = 0;
  static void declare(Fields<SignumParameters>& f) {
    UpdateFields<SignumParameters>{f}
        .lr()
        .number("momentum", &SignumParameters::momentum, "0", "Decay of the mean of gradients.")
        .wd()
        .rescale()
        .clip()
        .number("wd_lh", &SignumParameters::wd_lh, "0",
                "Weight decay apart from the gradient (Loshchilov and Hutter).");
  }
};

}  // namespace

GEMEL_OPERATORS(sign_updates) {
  OpBuilder plain = op<SignParameters>("signsgd_update");
  plain
      .doc(
          "(1 - lr * wd) * weight - lr * sign(grad) (Bernstein et al. 2018); neither rescaling nor "
          "clipping changes a sign.")
      .inputs({"weight", "grad"})
      .sample({.shapes = {{3, 4}, {3, 4}}, .attributes = {{"lr", "0.1"}, {"wd", "0.1"}}});
  implement_update(plain, {[](const Update::Clip&) {
                             return std::vector<Expr>{(1.0 - scalar(1) * scalar(2)) * input(0) -
                                                      scalar(1) * sign(input(1))};
                           },
                           {},
                           [](const OpCall& call, int) {
                             const auto& p = call.params<SignParameters>();
                             return std::vector<double>{p.lr, p.wd};
                           }});

  OpBuilder signum = op<SignumParameters>("signum_update");
  signum
      .doc(
          "mom = momentum * mom - (1 - momentum) * (clip(rescale_grad * grad) + wd * weight); "
          "(1 - lr * wd_lh) * weight + lr * sign(mom) (Bernstein et al. 2018).")
      .inputs({"weight", "grad", "mom"})
      .sample({.shapes = {{3, 4}, {3, 4}, {3, 4}},
               .attributes = {{"lr", "0.1"}, {"momentum", "0.9"}, {"wd", "0.1"}, {"wd_lh", "0.2"}}})
      .sample({.shapes = {{5}, {5}, {5}},
               .attributes = {{"lr", "0.1"}, {"momentum", "0.5"}, {"clip_gradient", "0.3"}}});
  implement_update(signum,
                   {[](const Update::Clip& clip) {
                      const Expr g = clip(scalar(3) * input(1)) + scalar(2) * input(0);
                      const Expr mom = scalar(4) * input(2) - (1.0 - scalar(4)) * g;
                      return std::vector<Expr>{
                          (1.0 - scalar(1) * scalar(5)) * input(0) + scalar(1) * sign(mom), mom};
                    },
                    {2},
                    [](const OpCall& call, int) {
                      const auto& p = call.params<SignumParameters>();
                      return std::vector<double>{p.lr, p.wd, p.rescale_grad, p.momentum, p.wd_lh};
                    }});
}

}  // namespace gemel
