// Functions that networks use between layers, element by element.
#include "pointwise/operator.h"

namespace gemel::pointwise {

namespace {
struct HardSigmoidParameters : Parameters {
  float alpha = 0.2f, beta = 0.5f;
  static void declare(Fields<HardSigmoidParameters>& f) {
    f.field("alpha", &HardSigmoidParameters::alpha).fallback("0.200000003").doc("Slope.");
    f.field("beta", &HardSigmoidParameters::beta).fallback("0.5").doc("Value at 0.");
  }
};
struct SmoothL1Parameters : Parameters {
  float scalar = 1;
  static void declare(Fields<SmoothL1Parameters>& f) {
    f.field("scalar", &SmoothL1Parameters::scalar)
        .fallback("1")
        .doc("The function is quadratic within 1/scalar^2 of 0.");
  }
};
}  // namespace

GEMEL_OPERATORS(activation_functions) {
  define("relu")
      .doc("max(x, 0) of each element.")
      .value([](Expr x) { return relu(x); })
      .gradient_of_output([](Expr y, Expr dy) { return dy * greater(y, 0.0); })
      .sample(-1, 1);
  define("sigmoid")
      .doc("1 / (1 + exp(-x)) of each element.")
      .value([](Expr x) { return sigmoid(x); })
      .gradient_of_output([](Expr y, Expr dy) { return dy * (y * (1.0 - y)); })
      .sample(-4, 4);
  define("softsign")
      .doc("x / (1 + |x|) of each element.")
      .value([](Expr x) { return softsign(x); })
      .gradient([](Expr x, Expr dy) { return dy / square(1.0 + abs(x)); })
      .sample(-3, 3);
  define<HardSigmoidParameters>("hard_sigmoid")
      .doc("alpha * x + beta, limited to 0 ... 1.")
      .scalars<HardSigmoidParameters>(std::vector<float HardSigmoidParameters::*>{
          &HardSigmoidParameters::alpha, &HardSigmoidParameters::beta})
      .value([](Expr x, Expr alpha, Expr beta) { return clip(alpha * x + beta, 0.0, 1.0); })
      .gradient([](Expr x, Expr dy) {
        const Expr line = scalar(0) * x + scalar(1);
        return dy * (scalar(0) * (greater(line, 0.0) * less(line, 1.0)));
      })
      .sample(-1, 1);
  define<SmoothL1Parameters>("smooth_l1")
      .doc("Quadratic near 0, |x| - 0.5/scalar^2 elsewhere.")
      .scalars<SmoothL1Parameters>(
          std::vector<float SmoothL1Parameters::*>{&SmoothL1Parameters::scalar})
      .value([](Expr x, Expr sigma) {
        const Expr s2 = square(sigma);
        return where(less(abs(x), 1.0 / s2), 0.5 * (square(x) * s2), abs(x) - 0.5 / s2);
      })
      .gradient([](Expr x, Expr dy) {
        const Expr s2 = square(scalar(0));
        return dy * where(less(abs(x), 1.0 / s2), s2 * x, sign(x));
      })
      .sample(-2, 2);
  define("erf")
      .doc("Error function of each element.")
      .value([](Expr x) { return erf(x); })
      .sample(-2, 2);
  define("erfinv")
      .doc("Inverse of the error function, for |x| < 1.")
      .value([](Expr x) { return erfinv(x); })
      .sample(-0.9, 0.9);
  define("gamma")
      .doc("Gamma function of each element.")
      .value([](Expr x) { return gamma(x); })
      .sample(0.5, 4);
  define("gammaln")
      .doc("Logarithm of |gamma(x)| of each element.")
      .value([](Expr x) { return gammaln(x); })
      .sample(0.5, 4);
}

}  // namespace gemel::pointwise
