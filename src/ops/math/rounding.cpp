// Sign, magnitude, rounding, limits and identities, element by element.
#include "pointwise/operator.h"

namespace gemel::pointwise {

namespace {
struct ClipParameters : Parameters {
  float a_min = 0, a_max = 0;
  static void declare(Fields<ClipParameters>& f) {
    f.field("a_min", &ClipParameters::a_min).doc("Lowest value.");
    f.field("a_max", &ClipParameters::a_max).doc("Highest value.");
  }
};
}  // namespace

GEMEL_OPERATORS(rounding) {
  define("abs")
      .doc("Magnitude of each element.")
      .value([](Expr x) { return abs(x); })
      .gradient([](Expr x, Expr dy) { return dy * sign(x); })
      .sample(-2, 2);
  define("sign")
      .doc("-1, 0 or 1 by the sign of each element.")
      .value([](Expr x) { return sign(x); })
      .sample(-2, 2);
  define("negative").doc("-x of each element.").value([](Expr x) { return -x; }).sample(-2, 2);
  define("floor")
      .doc("Largest integer not above each element.")
      .value([](Expr x) { return floor(x); })
      .sample(-3, 3);
  define("ceil")
      .doc("Smallest integer not below each element.")
      .value([](Expr x) { return ceil(x); })
      .sample(-3, 3);
  define("round")
      .doc("Nearest integer, halves away from zero.")
      .value([](Expr x) { return round(x); })
      .sample(-3, 3);
  define("rint")
      .doc("Nearest integer, halves downwards.")
      .value([](Expr x) { return rint(x); })
      .sample(-3, 3);
  define("trunc")
      .doc("Integer part, towards zero.")
      .value([](Expr x) { return trunc(x); })
      .sample(-3, 3);
  define("fix")
      .doc("Integer part, towards zero.")
      .value([](Expr x) { return fix(x); })
      .sample(-3, 3);
  define("logical_not")
      .doc("1 where the element is 0, else 0.")
      .value([](Expr x) { return logical_not(x); })
      .sample(-1, 1);
  define<ClipParameters>("clip")
      .doc("Limits each element to a_min ... a_max.")
      .scalars<ClipParameters>(
          std::vector<float ClipParameters::*>{&ClipParameters::a_min, &ClipParameters::a_max})
      .value([](Expr x, Expr low, Expr high) { return clip(x, low, high); })
      .gradient([](Expr x, Expr dy) {
        return dy * (greater_equal(x, scalar(0)) * less_equal(x, scalar(1)));
      })
      .sample_attributes({{"a_min", "-0.5"}, {"a_max", "0.5"}})
      .sample(-1, 1);
  define("_copy")
      .alias({"identity"})
      .doc("The input, copied.")
      .value([](Expr x) { return x; })
      .sample(-1, 1);
  define("_CrossDeviceCopy")
      .doc("The input, copied to the device of those who read the result.")
      .value([](Expr x) { return x; })
      .sample(-1, 1);
  define("BlockGrad")
      .alias({"stop_gradient"})
      .doc("The input; no gradient flows back through it.")
      .value([](Expr x) { return x; })
      .no_gradient()
      .sample(-1, 1);
  define("zeros_like")
      .doc("Zeros in the shape and type of the input.")
      .value([](Expr x) { return Expr(0.0); })
      .no_gradient()
      .sample(-1, 1);
  define("ones_like")
      .doc("Ones in the shape and type of the input.")
      .value([](Expr x) { return Expr(1.0); })
      .no_gradient()
      .sample(-1, 1);
}

}  // namespace gemel::pointwise
