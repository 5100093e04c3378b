// Trigonometric and hyperbolic functions and their inverses, element by element.
#include <numbers>

#include "pointwise/operator.h"

namespace gemel::pointwise {

GEMEL_OPERATORS(trigonometric) {
  define("sin")
      .doc("Sine of angles in radians.")
      .value([](Expr x) { return sin(x); })
      .sample(-3, 3);
  define("cos")
      .doc("Cosine of angles in radians.")
      .value([](Expr x) { return cos(x); })
      .sample(-3, 3);
  define("tan")
      .doc("Tangent of angles in radians.")
      .value([](Expr x) { return tan(x); })
      .gradient_of_output([](Expr y, Expr dy) { return dy * (y * y + 1.0); })
      .sample(-1.2, 1.2);
  define("arcsin")
      .doc("Inverse sine, in radians.")
      .value([](Expr x) { return arcsin(x); })
      .sample(-0.9, 0.9);
  define("arccos")
      .doc("Inverse cosine, in radians.")
      .value([](Expr x) { return arccos(x); })
      .sample(-0.9, 0.9);
  define("arctan")
      .doc("Inverse tangent, in radians.")
      .value([](Expr x) { return arctan(x); })
      .sample(-3, 3);
  define("degrees")
      .doc("Radians to degrees.")
      .value([](Expr x) { return x * (180 / std::numbers::pi); })
      .sample(-3, 3);
  define("radians")
      .doc("Degrees to radians.")
      .value([](Expr x) { return x * (std::numbers::pi / 180); })
      .sample(-180, 180);
  define("sinh").doc("Hyperbolic sine.").value([](Expr x) { return sinh(x); }).sample(-2, 2);
  define("cosh").doc("Hyperbolic cosine.").value([](Expr x) { return cosh(x); }).sample(-2, 2);
  define("tanh")
      .doc("Hyperbolic tangent.")
      .value([](Expr x) { return tanh(x); })
      .gradient_of_output([](Expr y, Expr dy) { return dy * (1.0 - y * y); })
      .sample(-2, 2);
  define("arcsinh")
      .doc("Inverse hyperbolic sine.")
      .value([](Expr x) { return arcsinh(x); })
      .sample(-3, 3);
  define("arccosh")
      .doc("Inverse hyperbolic cosine, for x >= 1.")
      .value([](Expr x) { return arccosh(x); })
      .sample(1.2, 4);
  define("arctanh")
      .doc("Inverse hyperbolic tangent, for |x| < 1.")
      .value([](Expr x) { return arctanh(x); })
      .sample(-0.9, 0.9);
}

}  // namespace gemel::pointwise
