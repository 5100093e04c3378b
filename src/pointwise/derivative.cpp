#include "pointwise/walk.h"

namespace gemel::pointwise {

namespace {

// d f(x) / dx, where `f` is the node itself, so that a derivative can reuse the value.
Expr slope(const Expr& f, const Expr& x) {
  switch (f->primitive) {
    case Primitive::negative:
      return -1;
    case Primitive::exp:
      return f;
    case Primitive::log:
      return 1 / x;
    case Primitive::log2:
      return 1 / (x * 0.69314718055994530942);
    case Primitive::log10:
      return 1 / (x * 2.30258509299404568402);
    case Primitive::log1p:
      return 1 / (x + 1);
    case Primitive::expm1:
      return exp(x);
    case Primitive::sqrt:
      return 0.5 / f;
    case Primitive::rsqrt:
      return -0.5 * (f / x);
    case Primitive::cbrt:
      return 1 / (3 * square(f));
    case Primitive::square:
      return 2 * x;
    case Primitive::abs:
      return sign(x);
    case Primitive::sign:
    case Primitive::floor:
    case Primitive::ceil:
    case Primitive::round:
    case Primitive::rint:
    case Primitive::trunc:
    case Primitive::step:
    case Primitive::logical_not:
      return 0;
    case Primitive::tanh:
      return 1 - square(f);
    case Primitive::sinh:
      return cosh(x);
    case Primitive::cosh:
      return sinh(x);
    case Primitive::sin:
      return cos(x);
    case Primitive::cos:
      return -sin(x);
    case Primitive::tan:
      return square(f) + 1;
    case Primitive::arcsin:
      return rsqrt(1 - square(x));
    case Primitive::arccos:
      return -rsqrt(1 - square(x));
    case Primitive::arctan:
      return 1 / (square(x) + 1);
    case Primitive::arcsinh:
      return rsqrt(square(x) + 1);
    case Primitive::arccosh:
      return rsqrt(square(x) - 1);
    case Primitive::arctanh:
      return 1 / (1 - square(x));
    case Primitive::sigmoid:
      return f * (1 - f);
    case Primitive::relu:
      return step(x);
    case Primitive::erf:
      return 1.12837916709551257390 * exp(-square(x));
    case Primitive::erfinv:
      return 0.88622692545275801365 * exp(square(f));
    case Primitive::gamma:
      return f * digamma(x);
    case Primitive::gammaln:
      return digamma(x);
    case Primitive::digamma:
      return trigamma(x);
    case Primitive::reciprocal:
      return -square(f);
    case Primitive::softsign:
      return 1 / square(abs(x) + 1);
    case Primitive::softrelu:
      return sigmoid(x);
    default:
      break;
  }
  fail(ErrorKind::Input, "[derivative] {} has no derivative among the primitives",
       simd::name_of(f->primitive));
}

// The derivative of a binary node by its left and its right operand.
std::pair<Expr, Expr> slopes(const Expr& f, const Expr& a, const Expr& b) {
  switch (f->primitive) {
    case Primitive::add:
      return {1, 1};
    case Primitive::subtract:
      return {1, -1};
    case Primitive::multiply:
      return {b, a};
    case Primitive::divide:
      return {1 / b, -(f / b)};
    case Primitive::max:
      return {greater_equal(a, b), less(a, b)};
    case Primitive::min:
      return {less_equal(a, b), greater(a, b)};
    case Primitive::pow:
      return {b * pow(a, simplify(b - 1)), f * log(a)};
    case Primitive::mod:
      return {1, -floor(a / b)};
    case Primitive::hypot:
      return {a / f, b / f};
    case Primitive::atan2:
      return {b / (square(a) + square(b)), -(a / (square(a) + square(b)))};
    default:
      return {0, 0};  // comparisons and logic
  }
}

bool is_constant_zero(const Expr& e) { return e->kind == Kind::constant && e->value == 0; }

Expr apply_derivative(const Expr& node, std::span<const Expr> slope_of) {
  if (node->kind == Kind::round_to) return slope_of[0];
  const Expr* child = node->child;
  if (node->child_count == 1) {
    return is_constant_zero(slope_of[0]) ? constant(0) : slope_of[0] * slope(node, child[0]);
  }
  if (node->child_count == 2) {
    if (is_constant_zero(slope_of[0]) && is_constant_zero(slope_of[1])) return 0;
    const auto [left, right] = slopes(node, child[0], child[1]);
    if (is_constant_zero(slope_of[1])) return slope_of[0] * left;
    if (is_constant_zero(slope_of[0])) return slope_of[1] * right;
    return slope_of[0] * left + slope_of[1] * right;
  }
  if (node->primitive == Primitive::where) return where(child[0], slope_of[1], slope_of[2]);
  // clip: both edges belong to the inside, and NaN does too
  const Expr below = less(child[0], child[1]), above = greater(child[0], child[2]);
  Expr result = 0;
  if (!is_constant_zero(slope_of[0])) result = slope_of[0] * logical_not(logical_or(below, above));
  if (!is_constant_zero(slope_of[1])) result = result + slope_of[1] * below;
  if (!is_constant_zero(slope_of[2])) result = result + slope_of[2] * above;
  return result;
}

}  // namespace

Expr derivative(const Expr& f, int input_index) {
  return simplify(transform(f, [&](const Expr& node, std::span<const Expr> slope_of) -> Expr {
    switch (node->kind) {
      case Kind::input:
        return node->index == input_index ? 1 : 0;
      case Kind::scalar:
      case Kind::constant:
        return 0;
      default:
        return simplify(apply_derivative(node, slope_of));
    }
  }));
}

}  // namespace gemel::pointwise
