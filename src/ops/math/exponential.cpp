// Exponentials, logarithms, powers and roots, element by element.
#include <numbers>

#include "pointwise/operator.h"

namespace gemel::pointwise {

GEMEL_OPERATORS(exponential) {
  define("exp")
      .doc("e to the power of each element.")
      .value([](Expr x) { return exp(x); })
      .gradient_of_output([](Expr y, Expr dy) { return dy * y; })
      .sample(-2, 2);
  define("log")
      .doc("Natural logarithm of each element.")
      .value([](Expr x) { return log(x); })
      .sample(0.2, 4);
  define("log2")
      .doc("Logarithm to base 2 of each element.")
      .value([](Expr x) { return log2(x); })
      .sample(0.2, 4);
  define("log10")
      .doc("Logarithm to base 10 of each element.")
      .value([](Expr x) { return log10(x); })
      .sample(0.2, 4);
  define("log1p")
      .doc("log(1 + x), accurate for x near 0.")
      .value([](Expr x) { return log1p(x); })
      .sample(-0.5, 3);
  define("expm1")
      .doc("exp(x) - 1, accurate for x near 0.")
      .value([](Expr x) { return expm1(x); })
      .sample(-2, 2);
  define("sqrt")
      .doc("Square root of each element.")
      .value([](Expr x) { return sqrt(x); })
      .gradient_of_output([](Expr y, Expr dy) { return dy * (0.5 / y); })
      .sample(0.2, 4);
  define("rsqrt")
      .doc("1 / sqrt(x) of each element.")
      .value([](Expr x) { return rsqrt(x); })
      .gradient([](Expr x, Expr dy) { return dy * (-0.5 * (rsqrt(x) / x)); })
      .sample(0.2, 4);
  define("cbrt")
      .doc("Cube root of each element.")
      .value([](Expr x) { return cbrt(x); })
      .gradient_of_output([](Expr y, Expr dy) { return dy * (1.0 / (3.0 * (y * y))); })
      .sample(0.2, 4);
  define("rcbrt")
      .doc("1 / cbrt(x) of each element.")
      .value([](Expr x) { return reciprocal(cbrt(x)); })
      .gradient([](Expr x, Expr dy) { return dy * (-1.0 / (3.0 * (cbrt(x) * x))); })
      .sample(0.2, 4);
  define("square")
      .doc("Square of each element.")
      .value([](Expr x) { return square(x); })
      .gradient([](Expr x, Expr dy) { return dy * (2.0 * x); })
      .sample(-2, 2);
  define("reciprocal")
      .doc("1 / x of each element.")
      .value([](Expr x) { return reciprocal(x); })
      .gradient_of_output([](Expr y, Expr dy) { return dy * -(y * y); })
      .sample(0.3, 3);
}

}  // namespace gemel::pointwise
