// A naive evaluator in double, written apart from the primitives' own code: the judge of the tests.
// Only erfinv, digamma and trigamma are shared with it; simd/primitives_test.cpp checks those.
#pragma once
#include <cmath>
#include <span>

#include "base/error.h"
#include "pointwise/expr.h"
#include "simd/special_functions.h"

namespace gemel::pointwise {

inline double primitive_value(Primitive p, double a, double b = 0, double c = 0) {
  switch (p) {
    case Primitive::negative:
      return -a;
    case Primitive::exp:
      return std::exp(a);
    case Primitive::log:
      return std::log(a);
    case Primitive::log2:
      return std::log2(a);
    case Primitive::log10:
      return std::log10(a);
    case Primitive::log1p:
      return std::log1p(a);
    case Primitive::expm1:
      return std::expm1(a);
    case Primitive::sqrt:
      return std::sqrt(a);
    case Primitive::rsqrt:
      return 1 / std::sqrt(a);
    case Primitive::cbrt:
      return std::cbrt(a);
    case Primitive::square:
      return a * a;
    case Primitive::abs:
      return std::fabs(a);
    case Primitive::sign:
      return a > 0 ? 1 : a < 0 ? -1 : 0;
    case Primitive::floor:
      return std::floor(a);
    case Primitive::ceil:
      return std::ceil(a);
    case Primitive::round:
      return std::round(a);
    case Primitive::rint:
      return std::isfinite(a) ? std::ceil(a - 0.5) : a;
    case Primitive::trunc:
      return std::trunc(a);
    case Primitive::tanh:
      return std::tanh(a);
    case Primitive::sinh:
      return std::sinh(a);
    case Primitive::cosh:
      return std::cosh(a);
    case Primitive::sin:
      return std::sin(a);
    case Primitive::cos:
      return std::cos(a);
    case Primitive::tan:
      return std::tan(a);
    case Primitive::arcsin:
      return std::asin(a);
    case Primitive::arccos:
      return std::acos(a);
    case Primitive::arctan:
      return std::atan(a);
    case Primitive::arcsinh:
      return std::asinh(a);
    case Primitive::arccosh:
      return std::acosh(a);
    case Primitive::arctanh:
      return std::atanh(a);
    case Primitive::sigmoid:
      return a >= 0 ? 1 / (1 + std::exp(-a)) : std::exp(a) / (1 + std::exp(a));
    case Primitive::relu:
      return std::isnan(a) ? a : a > 0 ? a : 0;
    case Primitive::step:
      return std::isnan(a) ? a : a > 0 ? 1 : 0;
    case Primitive::erf:
      return std::erf(a);
    case Primitive::erfinv:
      return simd::inverse_erf(a);
    case Primitive::gamma:
      return a < 0 && a == std::floor(a) ? NAN : std::tgamma(a);
    case Primitive::gammaln:
      return std::lgamma(a);
    case Primitive::digamma:
      return simd::digamma_function(a);
    case Primitive::trigamma:
      return simd::trigamma_function(a);
    case Primitive::logical_not:
      return a == 0 ? 1 : 0;
    case Primitive::reciprocal:
      return 1 / a;
    case Primitive::softsign:
      return a / (1 + std::fabs(a));
    case Primitive::softrelu:
      return a > 30 ? a : std::log1p(std::exp(a));
    case Primitive::add:
      return a + b;
    case Primitive::subtract:
      return a - b;
    case Primitive::multiply:
      return a * b;
    case Primitive::divide:
      return a / b;
    case Primitive::max:
      return std::isnan(a) ? a : std::isnan(b) ? b : a > b ? a : b;
    case Primitive::min:
      return std::isnan(a) ? a : std::isnan(b) ? b : a < b ? a : b;
    case Primitive::pow:
      return std::pow(a, b);
    case Primitive::mod: {
      if (b == 0) return 0;
      const double r = std::fmod(a, b);
      return r != 0 && std::signbit(r) != std::signbit(b) ? r + b : r;
    }
    case Primitive::hypot:
      return std::hypot(a, b);
    case Primitive::atan2:
      return std::atan2(a, b);
    case Primitive::equal:
      return a == b;
    case Primitive::not_equal:
      return a != b;
    case Primitive::greater:
      return a > b;
    case Primitive::greater_equal:
      return a >= b;
    case Primitive::less:
      return a < b;
    case Primitive::less_equal:
      return a <= b;
    case Primitive::logical_and:
      return a != 0 && b != 0;
    case Primitive::logical_or:
      return a != 0 || b != 0;
    case Primitive::logical_xor:
      return (a != 0) != (b != 0);
    case Primitive::where:
      return a != 0 ? b : c;
    case Primitive::clip:
      return a > c ? c : a < b ? b : a;
  }
  fail(ErrorKind::Internal, "a primitive without a value");
}

inline double evaluate(const Expr& e, std::span<const double> inputs,
                       std::span<const double> scalars = {}) {
  switch (e->kind) {
    case Kind::input:
      return inputs[static_cast<size_t>(e->index)];
    case Kind::scalar:
      return scalars[static_cast<size_t>(e->index)];
    case Kind::constant:
      return e->value;
    case Kind::round_to:
      return evaluate(e->child[0], inputs, scalars);
    case Kind::apply:
      break;
  }
  double v[3] = {};
  for (int i = 0; i < e->child_count; ++i) v[i] = evaluate(e->child[i], inputs, scalars);
  return primitive_value(e->primitive, v[0], v[1], v[2]);
}

}  // namespace gemel::pointwise
