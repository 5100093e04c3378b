// Two arrays of one shape (elemwise_add, _maximum, ...) or of shapes that broadcast (broadcast_add,
// ...), or an array and a number (_plus_scalar, ...): one row for each function.
#include "pointwise/operator.h"

namespace gemel::pointwise {

namespace {

using Function = Expr (*)(Expr, Expr);

struct Row {
  const char* text;  // completes "... of two arrays"
  Function value;
  std::pair<double, double> left, right;  // where samples are drawn
};

void same(const char* name, std::initializer_list<std::string> aliases, const Row& row) {
  define(name)
      .alias(aliases)
      .doc(fmt::format("{} of two arrays of one shape, element by element.", row.text))
      .value(std::function<Expr(Expr, Expr)>(row.value))
      .sample(row.left.first, row.left.second, row.right);
}
void broadcast(const char* name, std::initializer_list<std::string> aliases, const Row& row) {
  define(name)
      .alias(aliases)
      .doc(fmt::format("{} of two arrays, element by element; axes of length 1 are repeated.",
                       row.text))
      .value(std::function<Expr(Expr, Expr)>(row.value))
      .broadcast()
      .sample(row.left.first, row.left.second, row.right);
}
void with_scalar(const char* name, std::initializer_list<std::string> aliases, const Row& row) {
  define_scalar(name)
      .alias(aliases)
      .doc(fmt::format("{} of each element and a number.", row.text))
      .value(std::function<Expr(Expr, Expr)>(row.value))
      .sample(row.left.first, row.left.second);
}
void reversed_scalar(const char* name, std::initializer_list<std::string> aliases, const Row& row) {
  const Function value = row.value;
  define_scalar(name)
      .alias(aliases)
      .doc(fmt::format("{} of a number and each element.", row.text))
      .value([value](Expr x, Expr s) { return value(s, x); })
      .sample(row.right.first, row.right.second);
}

const std::pair<double, double> any{-2, 2}, positive{0.3, 3};
const Row sum_row{"Sum", [](Expr a, Expr b) { return a + b; }, any, any};
const Row difference_row{"Difference", [](Expr a, Expr b) { return a - b; }, any, any};
const Row product_row{"Product", [](Expr a, Expr b) { return a * b; }, any, any};
const Row quotient_row{"Quotient", [](Expr a, Expr b) { return a / b; }, any, positive};
const Row remainder_row{"Remainder, with the sign of the divisor,",
                        [](Expr a, Expr b) { return mod(a, b); }, any, positive};
const Row power_row{"Power", [](Expr a, Expr b) { return pow(a, b); }, positive, any};
const Row maximum_row{"Larger", [](Expr a, Expr b) { return max(a, b); }, any, any};
const Row minimum_row{"Smaller", [](Expr a, Expr b) { return min(a, b); }, any, any};
const Row hypot_row{"Hypotenuse sqrt(a^2 + b^2)", [](Expr a, Expr b) { return hypot(a, b); }, any,
                    any};
const Row equal_row{"Whether a == b (1 or 0)", [](Expr a, Expr b) { return equal(a, b); }, any,
                    any};
const Row not_equal_row{"Whether a != b (1 or 0)", [](Expr a, Expr b) { return not_equal(a, b); },
                        any, any};
const Row greater_row{"Whether a > b (1 or 0)", [](Expr a, Expr b) { return greater(a, b); }, any,
                      any};
const Row greater_equal_row{"Whether a >= b (1 or 0)",
                            [](Expr a, Expr b) { return greater_equal(a, b); }, any, any};
const Row lesser_row{"Whether a < b (1 or 0)", [](Expr a, Expr b) { return less(a, b); }, any, any};
const Row lesser_equal_row{"Whether a <= b (1 or 0)",
                           [](Expr a, Expr b) { return less_equal(a, b); }, any, any};
const Row and_row{"Logical and (1 or 0)", [](Expr a, Expr b) { return logical_and(a, b); }, any,
                  any};
const Row or_row{"Logical or (1 or 0)", [](Expr a, Expr b) { return logical_or(a, b); }, any, any};
const Row xor_row{"Logical exclusive or (1 or 0)", [](Expr a, Expr b) { return logical_xor(a, b); },
                  any, any};

}  // namespace

GEMEL_OPERATORS(binary_same_shape) {
  same("elemwise_add", {"_add", "_plus", "_Plus"}, sum_row);
  same("elemwise_sub", {"_sub", "_minus", "_Minus"}, difference_row);
  same("elemwise_mul", {"_mul", "_Mul"}, product_row);
  same("elemwise_div", {"_div", "_Div"}, quotient_row);
  same("_grad_add", {}, sum_row);
  same("_mod", {"_Mod"}, remainder_row);
  same("_power", {"_Power"}, power_row);
  same("_maximum", {"_Maximum"}, maximum_row);
  same("_minimum", {"_Minimum"}, minimum_row);
  same("_hypot", {"_Hypot"}, hypot_row);
  same("_equal", {"_Equal"}, equal_row);
  same("_not_equal", {"_Not_Equal"}, not_equal_row);
  same("_greater", {"_Greater"}, greater_row);
  same("_greater_equal", {"_Greater_Equal"}, greater_equal_row);
  same("_lesser", {"_Lesser"}, lesser_row);
  same("_lesser_equal", {"_Lesser_Equal"}, lesser_equal_row);
  same("_logical_and", {"_Logical_And"}, and_row);
  same("_logical_or", {"_Logical_Or"}, or_row);
  same("_logical_xor", {"_Logical_Xor"}, xor_row);
}

GEMEL_OPERATORS(binary_broadcast) {
  broadcast("broadcast_add", {"broadcast_plus"}, sum_row);
  broadcast("broadcast_sub", {"broadcast_minus"}, difference_row);
  broadcast("broadcast_mul", {}, product_row);
  broadcast("broadcast_div", {}, quotient_row);
  broadcast("broadcast_mod", {}, remainder_row);
  broadcast("broadcast_power", {}, power_row);
  broadcast("broadcast_maximum", {}, maximum_row);
  broadcast("broadcast_minimum", {}, minimum_row);
  broadcast("broadcast_hypot", {}, hypot_row);
  broadcast("broadcast_equal", {}, equal_row);
  broadcast("broadcast_not_equal", {}, not_equal_row);
  broadcast("broadcast_greater", {}, greater_row);
  broadcast("broadcast_greater_equal", {}, greater_equal_row);
  broadcast("broadcast_lesser", {}, lesser_row);
  broadcast("broadcast_lesser_equal", {}, lesser_equal_row);
  broadcast("broadcast_logical_and", {}, and_row);
  broadcast("broadcast_logical_or", {}, or_row);
  broadcast("broadcast_logical_xor", {}, xor_row);
}

GEMEL_OPERATORS(scalar) {
  with_scalar("_plus_scalar", {"_PlusScalar"}, sum_row);
  with_scalar("_minus_scalar", {"_MinusScalar"}, difference_row);
  reversed_scalar("_rminus_scalar", {"_RMinusScalar"}, difference_row);
  with_scalar("_mul_scalar", {"_MulScalar"}, product_row);
  with_scalar("_div_scalar", {"_DivScalar"}, quotient_row);
  reversed_scalar("_rdiv_scalar", {"_RDivScalar"}, quotient_row);
  with_scalar("_mod_scalar", {"_ModScalar"}, remainder_row);
  reversed_scalar("_rmod_scalar", {"_RModScalar"}, remainder_row);
  with_scalar("_power_scalar", {"_PowerScalar"}, power_row);
  reversed_scalar("_rpower_scalar", {"_RPowerScalar"}, power_row);
  with_scalar("_maximum_scalar", {"_MaximumScalar"}, maximum_row);
  with_scalar("_minimum_scalar", {"_MinimumScalar"}, minimum_row);
  with_scalar("_hypot_scalar", {"_HypotScalar"}, hypot_row);
  with_scalar("_equal_scalar", {"_EqualScalar"}, equal_row);
  with_scalar("_not_equal_scalar", {"_NotEqualScalar"}, not_equal_row);
  with_scalar("_greater_scalar", {"_GreaterScalar"}, greater_row);
  with_scalar("_greater_equal_scalar", {"_GreaterEqualScalar"}, greater_equal_row);
  with_scalar("_lesser_scalar", {"_LesserScalar"}, lesser_row);
  with_scalar("_lesser_equal_scalar", {"_LesserEqualScalar"}, lesser_equal_row);
  with_scalar("_logical_and_scalar", {"_LogicalAndScalar"}, and_row);
  with_scalar("_logical_or_scalar", {"_LogicalOrScalar"}, or_row);
  with_scalar("_logical_xor_scalar", {"_LogicalXorScalar"}, xor_row);
}

}  // namespace gemel::pointwise
