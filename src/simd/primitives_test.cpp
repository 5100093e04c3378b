#include "simd/primitives.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <vector>

#include <hwy/targets.h>

#include "simd/convert.h"
#include "simd/special_functions.h"

namespace gemel::simd {
namespace {

// Every 20,011th float: all signs, exponents and kinds.
std::vector<float> sample() {
  std::vector<float> values = {0.0f,      -0.0f, 1.0f,   -1.0f,   INFINITY,
                               -INFINITY, NAN,   1e-45f, -1e-45f, 3.4e38f};
  for (uint64_t bits = 0; bits <= 0xffffffffu; bits += 20011)
    values.push_back(std::bit_cast<float>(static_cast<uint32_t>(bits)));
  for (int i = -50000; i <= 50000; ++i) values.push_back(static_cast<float>(i) * 2.8e-4f);
  return values;
}

// Distance in units of the last place of the rounded exact value.
double ulps(float value, double exact) {
  const float rounded = static_cast<float>(exact);
  if (std::isnan(exact)) return std::isnan(value) ? 0 : INFINITY;
  if (value == rounded) return 0;
  if (std::isinf(rounded) || std::isinf(value) || std::isnan(value)) return INFINITY;
  const float magnitude = std::fmax(std::fabs(rounded), 1.17549435e-38f);
  return std::fabs(value - exact) / (std::nextafter(magnitude, INFINITY) - magnitude);
}

// Runs the test once for each instruction set of this CPU that the tables were compiled for.
template <typename F>
void on_every_target(F test) {
  for (int64_t left = hwy::SupportedTargets(); left != 0; left &= left - 1) {
    const int64_t target = left & -left;
    hwy::GetChosenTarget().Update(target);
    SCOPED_TRACE(hwy::TargetName(target));
    test();
  }
  hwy::GetChosenTarget().DeInit();
}

struct Case {
  Primitive primitive;
  double (*exact)(double);
  double bound;
};

double exact_sigmoid(double x) { return 1 / (1 + std::exp(-x)); }
double exact_softrelu(double x) { return x > 40 ? x : std::log1p(std::exp(x)); }

TEST(FloatFunctions, AreAccurateOnASampleOfAllFloats) {
  const std::vector<float> x = sample();
  std::vector<float> y(x.size());
  const Case cases[] = {
      {Primitive::exp, std::exp, 1.0},
      {Primitive::log, std::log, 1.0},
      {Primitive::tanh, std::tanh, 1.5},
      {Primitive::sigmoid, exact_sigmoid, 2.5},
      {Primitive::erf, std::erf, 1.5},
      {Primitive::log1p, std::log1p, 1.0},
      {Primitive::log2, std::log2, 1.0},
      {Primitive::log10, std::log10, 1.0},
      {Primitive::expm1, std::expm1, 1.0},
      {Primitive::sinh, std::sinh, 1.0},
      {Primitive::cosh, std::cosh, 1.0},
      {Primitive::sin, std::sin, 1.0},
      {Primitive::cos, std::cos, 1.0},
      {Primitive::tan, std::tan, 1.0},
      {Primitive::arcsin, std::asin, 1.0},
      {Primitive::arccos, std::acos, 1.0},
      {Primitive::arctan, std::atan, 1.0},
      {Primitive::arcsinh, std::asinh, 1.0},
      {Primitive::arccosh, std::acosh, 1.0},
      {Primitive::arctanh, std::atanh, 1.0},
      {Primitive::softrelu, exact_softrelu, 1.0},
      {Primitive::sqrt, std::sqrt, 0.5},
      {Primitive::floor, std::floor, 0},
      {Primitive::ceil, std::ceil, 0},
      {Primitive::trunc, std::trunc, 0},
      {Primitive::round, std::round, 0},
      {Primitive::cbrt, std::cbrt, 1.0},
  };
  for (const Case& c : cases) {
    std::vector<double> exact;
    for (float value : x) exact.push_back(c.exact(value));
    on_every_target([&] {
      choose_primitives<float>().of_unary(c.primitive)(x.data(), y.data(), x.size());
      double worst = 0;
      float where = 0;
      for (size_t i = 0; i < x.size(); ++i) {
        const double error = ulps(y[i], exact[i]);
        if (error > worst) worst = error, where = x[i];
      }
      EXPECT_LE(worst, c.bound) << name_of(c.primitive) << " at " << where;
    });
  }
}

TEST(FloatFunctions, KeepTheSignOfZero) {
  const float zeros[] = {0.0f, -0.0f};
  for (Primitive p : {Primitive::tanh, Primitive::erf, Primitive::sin, Primitive::tan,
                      Primitive::arcsin, Primitive::arctan, Primitive::arcsinh, Primitive::arctanh,
                      Primitive::log1p, Primitive::expm1, Primitive::sinh, Primitive::sqrt,
                      Primitive::round, Primitive::cbrt, Primitive::softsign}) {
    float out[2];
    primitives<float>().of_unary(p)(zeros, out, 2);
    EXPECT_EQ(out[0], 0) << name_of(p);
    EXPECT_FALSE(std::signbit(out[0])) << name_of(p);
    EXPECT_TRUE(std::signbit(out[1])) << name_of(p);
  }
}

TEST(FloatFunctions, PowerMatchesTheLibrary) {
  const float special[] = {0.0f,   -0.0f,    1.0f,      -1.0f, 0.5f,  -0.5f,  2.0f,
                           -2.0f,  3.0f,     -3.0f,     2.5f,  -2.5f, 1e-40f, 1e30f,
                           -1e30f, INFINITY, -INFINITY, NAN,   7.25f, 127.0f};
  for (float a : special)
    for (float b : special) {
      float out;
      primitives<float>().of_binary(Primitive::pow)(&a, &b, &out, 1);
      const double exact = std::pow(static_cast<double>(a), static_cast<double>(b));
      EXPECT_LE(ulps(out, exact), 1.0) << a << " ^ " << b << ": " << out;
      EXPECT_TRUE(std::isnan(exact) || std::signbit(out) == std::signbit(exact)) << a << " ^ " << b;
    }
  double worst = 0;
  std::vector<float> a, b, out;
  for (int i = 0; i < 200000; ++i) {
    a.push_back(static_cast<float>(i) * 3e-4f);
    b.push_back(static_cast<float>(i % 977) * 0.03f - 14.0f);
  }
  out.resize(a.size());
  primitives<float>().of_binary(Primitive::pow)(a.data(), b.data(), out.data(), a.size());
  for (size_t i = 0; i < a.size(); ++i)
    worst = std::max(worst,
                     ulps(out[i], std::pow(static_cast<double>(a[i]), static_cast<double>(b[i]))));
  EXPECT_LE(worst, 1.0);
}

TEST(SpecialFunctions, KnownValues) {
  EXPECT_NEAR(digamma_function(1), -0.57721566490153286, 1e-14);
  EXPECT_NEAR(digamma_function(0.5), -1.9635100260214235, 1e-14);
  EXPECT_NEAR(digamma_function(-1.5), 0.70315664064524319, 1e-13);
  EXPECT_NEAR(trigamma_function(1), 1.6449340668482264, 1e-13);
  EXPECT_NEAR(trigamma_function(-0.5), 8.9348022005446793, 1e-12);
  for (double x : {-0.999999, -0.7, -1e-9, 1e-3, 0.3, 0.9, 1 - 1e-12})
    EXPECT_NEAR(std::erf(inverse_erf(x)), x, 1e-15);
  EXPECT_TRUE(std::isnan(inverse_erf(1.5)));
  EXPECT_EQ(inverse_erf(1), INFINITY);
  EXPECT_TRUE(std::isnan(gamma_function(-1)));
  EXPECT_EQ(log_gamma(-INFINITY), INFINITY);
}

template <typename T>
void tails_agree() {
  std::vector<T> a, b, c;
  for (int i = 0; i < 67; ++i) {
    a.push_back(static_cast<T>(i * 0.37 - 9));
    b.push_back(static_cast<T>(5 - i * 0.21));
    c.push_back(static_cast<T>(i % 7));
  }
  const Primitives<T> table = choose_primitives<T>();
  for (size_t n : {size_t{1}, size_t{3}, size_t{8}, size_t{15}, size_t{31}, size_t{67}})
    for (size_t start : {size_t{0}, size_t{67} - n}) {
      auto compare = [&](auto&& run, Primitive p) {
        std::vector<T> whole(67), part(69, static_cast<T>(42));
        run(size_t{0}, size_t{67}, whole.data());
        run(start, n, part.data() + 1);
        EXPECT_EQ(part[0], static_cast<T>(42));
        EXPECT_EQ(part[n + 1], static_cast<T>(42)) << name_of(p) << " wrote behind its end";
        for (size_t i = 0; i < n; ++i)
          EXPECT_TRUE(part[i + 1] == whole[start + i] ||
                      (part[i + 1] != part[i + 1] && whole[start + i] != whole[start + i]))
              << name_of(p) << " at " << a[start + i];
      };
      for (int i = 0; i < primitive_count; ++i) {
        const auto p = static_cast<Primitive>(i);
        compare(
            [&](size_t at, size_t count, T* out) {
              if (arity(p) == 1)
                table.of_unary(p)(&a[at], out, count);
              else if (arity(p) == 2)
                table.of_binary(p)(&a[at], &b[at], out, count);
              else
                table.of_ternary(p)(&a[at], &b[at], &c[at], out, count);
            },
            p);
      }
    }
}

TEST(Primitives, TailsAgreeWithWholeVectorsAndStayInBounds) {
  on_every_target([] {
    tails_agree<float>();
    tails_agree<double>();
    tails_agree<int64_t>();
  });
}

TEST(Primitives, NotANumberDiffersFromEverything) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const std::vector<float> a(37, nan), b(37, 1), c(37, 2);
  std::vector<float> out(37);
  const auto check = [&](float expected, const char* what) {
    for (float value : out) EXPECT_EQ(value, expected) << what;
  };
  const auto& table = primitives<float>();
  table.of_binary(Primitive::not_equal)(a.data(), a.data(), out.data(), out.size());
  check(1, "nan != nan");
  table.of_right_scalar(Primitive::not_equal)(a.data(), 1, out.data(), out.size());
  check(1, "nan != 1");
  table.of_binary(Primitive::equal)(a.data(), a.data(), out.data(), out.size());
  check(0, "nan == nan");
  table.of_binary(Primitive::logical_and)(a.data(), b.data(), out.data(), out.size());
  check(1, "nan and 1");
  table.of_ternary(Primitive::where)(a.data(), b.data(), c.data(), out.data(), out.size());
  check(1, "where(nan, 1, 2)");
}

TEST(Convert, HalvesBothWays) {
  for (DType dtype : {DType::float16, DType::bfloat16}) {
    std::vector<uint16_t> all(65536), back(65536);
    std::vector<float> values(65536);
    for (size_t i = 0; i < all.size(); ++i) all[i] = static_cast<uint16_t>(i);
    load_function<float>(dtype)(all.data(), values.data(), all.size());
    store_function<float>(dtype)(values.data(), back.data(), all.size());
    for (size_t i = 0; i < all.size(); ++i) {
      const float expected = dtype == DType::float16
                                 ? static_cast<float>(std::bit_cast<float16>(all[i]))
                                 : static_cast<float>(std::bit_cast<bfloat16>(all[i]));
      if (std::isnan(expected)) {
        ASSERT_TRUE(std::isnan(values[i]));
        continue;
      }
      ASSERT_EQ(values[i], expected);
      ASSERT_EQ(back[i], all[i]);
    }
    const std::vector<float> x = sample();
    back.resize(x.size());
    store_function<float>(dtype)(x.data(), back.data(), x.size());
    for (size_t i = 0; i < x.size(); ++i) {
      if (std::isnan(x[i])) continue;
      ASSERT_EQ(back[i], dtype == DType::float16 ? float16(x[i]).bits : bfloat16(x[i]).bits)
          << x[i];
    }
  }
}

TEST(Convert, RealsToIntegers) {
  const float values[] = {1.9f, -1.9f, 300.0f, NAN, 1e30f, -1e30f};
  int32_t wide[6];
  uint8_t narrow[6];
  store_function<float>(DType::int32)(values, wide, 3);
  store_function<float>(DType::uint8)(values, narrow, 6);
  EXPECT_EQ(wide[0], 1);
  EXPECT_EQ(wide[1], -1);
  EXPECT_EQ(wide[2], 300);
  EXPECT_EQ(narrow[1], 255);
  EXPECT_EQ(narrow[2], 44);
  EXPECT_EQ(narrow[3], 0);
  const double large = 1.8e19;
  uint64_t unsigned_value;
  store_function<double>(DType::uint64)(&large, &unsigned_value, 1);
  EXPECT_EQ(unsigned_value, 18000000000000000000ull);
}

}  // namespace
}  // namespace gemel::simd
