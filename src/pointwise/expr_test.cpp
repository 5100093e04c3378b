#include "pointwise/expr.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "pointwise/evaluate_for_test.h"

namespace gemel::pointwise {
namespace {

TEST(Expr, PrintsAndParsesBack) {
  const Expr x = input(0), y = input(1), s = scalar(0);
  EXPECT_EQ(to_string(x * y + s), "add(mul(x0,x1),s0)");
  EXPECT_EQ(to_string(round_to(DType::float16, -x)), "round_to(float16,neg(x0))");
  EXPECT_EQ(to_string(constant(0.1)), "0.1");
  for (const Expr& e : {x * y + s, clip(x, -1, 1e-300), where(greater(x, 0), y, 1.0 / 3),
                        round_to(DType::bfloat16, x), constant(-INFINITY),
                        max(x, constant(0.1 + 0.2)), pow(atan2(x, y), input(12))})
    EXPECT_TRUE(parse(to_string(e)) == e) << to_string(e);
  for (int i = 0; i < simd::primitive_count; ++i) {
    const auto p = static_cast<Primitive>(i);
    const Expr children[] = {x, y, s};
    const Expr e = call(p, std::span<const Expr>(children, static_cast<size_t>(simd::arity(p))));
    EXPECT_TRUE(parse(to_string(e)) == e) << to_string(e);
  }
  EXPECT_TRUE(parse(" add( x0 , 1 )") == x + 1);
}

TEST(Expr, RefusesBadText) {
  for (const char* text : {"", "add(x0)", "add(x0,x1", "add(x0,x1))", "foo(x0)", "x", "add(x0;x1)",
                           "1..2", "round_to(float17,x0)", "x0 x1", "()"})
    EXPECT_THROW(parse(text), Error) << text;
  std::string deep;
  for (int i = 0; i < 100000; ++i) deep += "exp(";
  EXPECT_THROW(parse(deep), Error);
}

TEST(Expr, EqualityIsStructural) {
  EXPECT_TRUE(input(0) + 1 == input(0) + 1);
  EXPECT_EQ((input(0) + 1).hash(), (input(0) + 1).hash());
  EXPECT_FALSE(input(0) + 1 == 1 + input(0));
  EXPECT_FALSE(constant(0.0) == constant(-0.0));
  EXPECT_FALSE(round_to(DType::float16, input(0)) == round_to(DType::bfloat16, input(0)));
}

TEST(Expr, Counts) {
  const Expr e = input(3) * scalar(1) + input(0);
  EXPECT_EQ(input_count(e), 4);
  EXPECT_EQ(scalar_count(e), 2);
  EXPECT_TRUE(depends_on_input(e, 3));
  EXPECT_FALSE(depends_on_input(e, 1));
  EXPECT_FALSE(depends_on_input(scalar(0) + 1));
  EXPECT_THROW(input(-1), Error);
}

TEST(Expr, Substitutes) {
  const Expr inputs[] = {exp(input(1)), input(0)}, scalars[] = {constant(2)};
  EXPECT_EQ(to_string(substitute(input(0) * scalar(0) - input(1), inputs, scalars)),
            "sub(mul(exp(x1),2),x0)");
}

TEST(Expr, Formula) {
  const Expr x = input(0), y = input(1);
  EXPECT_EQ(formula(log(x + sqrt(x * x + 1))), "log(x + sqrt(x*x + 1))");
  EXPECT_EQ(formula((x - y) * (x - (y - 1))), "(x - y)*(x - (y - 1))");
  EXPECT_EQ(formula(-(x + scalar(0)) / (x * y)), "-(x + s)/(x*y)");
  EXPECT_EQ(formula(where(greater(x, 0), x, -x)), "where(x > 0, x, -x)");
  EXPECT_EQ(formula(input(0) + input(2)), "x0 + x2");
}

TEST(Derivative, Text) {
  const Expr x = input(0), y = input(1), s = scalar(0);
  auto text = [](const Expr& f, int i) { return formula(derivative(f, i)); };
  EXPECT_EQ(text(x * x, 0), "x + x");
  EXPECT_EQ(text(relu(x), 0), "step(x)");
  EXPECT_EQ(text(sigmoid(x), 0), "sigmoid(x)*(1 - sigmoid(x))");
  EXPECT_EQ(text(x * s, 0), "s");
  EXPECT_EQ(text(x / s, 0), "1/s");
  EXPECT_EQ(text(max(x, y), 0), "x >= y");
  EXPECT_EQ(text(max(x, y), 1), "x < y");
  EXPECT_EQ(text(pow(x, 3), 0), "3*square(x)");
  EXPECT_EQ(text(pow(x, s), 0), "s*pow(x, s - 1)");
  EXPECT_EQ(text(x + y, 1), "1");
  EXPECT_EQ(text(floor(x) + y, 0), "0");
  EXPECT_EQ(text(log(x), 0), "1/x");
  EXPECT_EQ(text(exp(-x), 0), "-exp(-x)");
  EXPECT_EQ(text(mod(x, y), 1), "-floor(x/y)");
  EXPECT_THROW(derivative(trigamma(x), 0), Error);
}

TEST(Derivative, AgreesWithDifferences) {
  const Expr x = input(0), y = input(1);
  std::mt19937 generator(7);
  for (int i = 0; i < simd::primitive_count; ++i) {
    const auto p = static_cast<Primitive>(i);
    if (p == Primitive::trigamma) continue;
    const Expr children[] = {x, y, y + square(x) * 0.2 + 0.3};
    const Expr f = call(p, std::span<const Expr>(children, static_cast<size_t>(simd::arity(p))));
    double low = -2.9, high = 2.9;
    if (p == Primitive::arcsin || p == Primitive::arccos || p == Primitive::arctanh ||
        p == Primitive::erfinv)
      low = -0.95, high = 0.95;
    if (p == Primitive::arccosh) low = 1.1;
    if (p == Primitive::log || p == Primitive::log2 || p == Primitive::log10 ||
        p == Primitive::sqrt || p == Primitive::rsqrt || p == Primitive::gamma ||
        p == Primitive::gammaln || p == Primitive::digamma || p == Primitive::pow ||
        p == Primitive::cbrt)
      low = 0.1;
    if (p == Primitive::log1p) low = -0.9;
    std::uniform_real_distribution<double> draw(low, high);
    for (int wrt = 0; wrt < std::min(simd::arity(p), 2); ++wrt) {
      const Expr d = derivative(f, wrt);
      for (int k = 0; k < 25; ++k) {
        double at[] = {draw(generator), draw(generator)};
        const double h = 1e-6 * std::max(1.0, std::fabs(at[wrt]));
        double up[] = {at[0], at[1]}, down[] = {at[0], at[1]};
        up[wrt] += h, down[wrt] -= h;
        const double slope = (evaluate(f, up) - evaluate(f, down)) / (2 * h);
        if (std::fabs(slope) > 1e4) continue;  // a jump or a pole between the two points
        EXPECT_NEAR(evaluate(d, at), slope, 1e-4 * std::max(1.0, std::fabs(slope)))
            << formula(f) << " by " << wrt << " at " << at[0] << ", " << at[1] << ": "
            << formula(d);
      }
    }
  }
}

TEST(Derivative, ConventionsAtKinks) {
  auto at = [](const Expr& f, int wrt, double x, double y) {
    const double values[] = {x, y};
    return evaluate(derivative(f, wrt), values);
  };
  const Expr x = input(0), y = input(1);
  EXPECT_EQ(at(relu(x), 0, 0, 0), 0);
  EXPECT_TRUE(std::isnan(at(relu(x), 0, NAN, 0)));
  EXPECT_EQ(at(abs(x), 0, 0, 0), 0);
  EXPECT_EQ(at(max(x, y), 0, 2, 2), 1);
  EXPECT_EQ(at(max(x, y), 1, 2, 2), 0);
  EXPECT_EQ(at(min(x, y), 0, 2, 2), 1);
  EXPECT_EQ(at(max(x, y), 0, NAN, 1), 0);
  EXPECT_EQ(at(clip(x, -1, 1), 0, 1, 0), 1);
  EXPECT_EQ(at(clip(x, -1, 1), 0, 1.5, 0), 0);
  EXPECT_EQ(at(clip(x, -1, 1), 0, NAN, 0), 1);
  EXPECT_EQ(at(mod(x, y), 1, 5.5, -2), 3);
}

TEST(Simplify, KeepsValues) {
  const Expr x = input(0);
  EXPECT_TRUE(simplify(x * 1 + 0) == x);
  EXPECT_TRUE(simplify(x * 0) == constant(0));
  EXPECT_TRUE(simplify(-(-x)) == x);
  EXPECT_TRUE(simplify(2 * (3 * x)) == 6 * x);
  EXPECT_TRUE(simplify(pow(x, 2)) == square(x));
  EXPECT_TRUE(simplify(exp(constant(0)) + x) == 1 + x);
}

}  // namespace
}  // namespace gemel::pointwise
