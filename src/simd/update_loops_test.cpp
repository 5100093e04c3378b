// The loops have the bits of the tapes that the formulas make.
#include "simd/update_loops.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <random>
#include <vector>

namespace gemel::simd {
namespace {

namespace plain {
// The formulas in plain floats.
using std::sqrt;
struct Number {
  float v = 0;
  Number() = default;
  explicit Number(double value) : v(static_cast<float>(value)) {}
};
Number number(float v) { return Number(double{v}); }
Number operator+(Number a, Number b) { return number(a.v + b.v); }
Number operator-(Number a, Number b) { return number(a.v - b.v); }
Number operator*(Number a, Number b) { return number(a.v * b.v); }
Number operator/(Number a, Number b) { return number(a.v / b.v); }
Number operator-(Number a) { return number(-a.v); }
Number square(Number a) { return number(a.v * a.v); }
Number sqrt(Number a) { return number(std::sqrt(a.v)); }
Number clip(Number a, Number low, Number high) {
  return a.v > high.v ? high : a.v < low.v ? low : a;
}
#include "simd/update_formulas-inl.h"
}  // namespace plain

template <class Formula>
void expect_equal(UpdateFormula which) {
  std::mt19937 generator(7);
  std::uniform_real_distribution<float> drawn(0.01f, 1);
  const float scalars[] = {0.3f, 0.1f, 0.01f, 0.5f, 0.9f, 0.99f, 0.7f};
  for (bool limited : {false, true})
    for (size_t n : {1, 15, 16, 17, 100}) {
      std::vector<std::vector<float>> in(Formula::inputs, std::vector<float>(n));
      for (auto& array : in)
        for (float& value : array) value = drawn(generator);
      in[0][0] = -5;
      in[1][n / 2] = limited ? std::nanf("") : -7;
      std::vector<std::vector<float>> out(in);
      std::vector<const float*> from;
      std::vector<float*> to;
      for (auto& array : out) from.push_back(array.data());
      to.push_back(out[0].data());
      for (int k = 1; k < Formula::outputs; ++k)
        to.push_back(out[static_cast<size_t>(k) + 1].data());
      update_loop(which, limited)(from.data(), to.data(), scalars, n);
      for (size_t i = 0; i < n; ++i) {
        plain::Number x[Formula::inputs], s[Formula::scalars], y[Formula::outputs];
        for (int k = 0; k < Formula::inputs; ++k)
          x[k] = plain::number(in[static_cast<size_t>(k)][i]);
        for (int k = 0; k < Formula::scalars; ++k) s[k] = plain::number(scalars[k]);
        const auto limit = [&](plain::Number g) {
          return limited ? plain::clip(g, -s[0], s[0]) : g;
        };
        Formula::apply(x, s, limit, y);
        for (int k = 0; k < Formula::outputs; ++k) {
          const float got = to[static_cast<size_t>(k)][i];
          if (std::isnan(y[k].v))
            EXPECT_TRUE(std::isnan(got));
          else
            EXPECT_EQ(std::memcmp(&got, &y[k].v, sizeof got), 0)
                << i << " of " << n << ", output " << k;
        }
      }
      EXPECT_EQ(std::memcmp(out[1].data(), in[1].data(), n * sizeof(float)), 0);  // the gradient
    }
}

TEST(UpdateLoops, HaveTheBitsOfTheFormulas) {
  expect_equal<plain::Sgd>(UpdateFormula::sgd);
  expect_equal<plain::Momentum>(UpdateFormula::momentum);
  expect_equal<plain::Nesterov>(UpdateFormula::nesterov);
  expect_equal<plain::Adam>(UpdateFormula::adam);
  expect_equal<plain::Rmsprop>(UpdateFormula::rmsprop);
  EXPECT_EQ(update_loop(UpdateFormula::none, true), nullptr);
}

}  // namespace
}  // namespace gemel::simd
