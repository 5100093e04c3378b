#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "kernels/gemm/gemm.h"
#include "kernels/parallel.h"
#include "kernels/testing.h"

namespace gemel::kernels {
namespace {

using testing::numbers;

TEST(PackedGemm, EqualsTheReference) {
  for (int64_t m : {8, 13, 48})
    for (int64_t n : {8, 33, 270})
      for (int64_t k : {1, 37, 1030})
        for (auto [ta, tb] : {std::pair{false, false}, {true, false}, {false, true}, {true, true}})
          for (float beta : {0.f, 1.f}) {
            const Gemm g = Gemm::packed(ta, tb, m, n, k, beta);
            if (!packed_supports(DType::float32, g)) GTEST_SKIP() << "no wide vectors";
            const auto a = numbers(m * k, 1), b = numbers(k * n, 2);
            auto got = numbers(m * n, 3), expected = got;
            packed_gemm(DType::float32, g, a.data(), b.data(), got.data());
            reference_gemm(DType::float32, g, a.data(), b.data(), expected.data());
            for (size_t i = 0; i < got.size(); ++i)
              ASSERT_NEAR(got[i], expected[i], 1e-6 * static_cast<double>(k + 10))
                  << m << ' ' << n << ' ' << k << ' ' << ta << tb << beta;
          }
}

TEST(PackedGemm, AddsABiasAndKeepsGapsBetweenRows) {
  Gemm g = Gemm::packed(false, true, 21, 40, 600);
  g.a_stride = 603, g.b_stride = 605, g.c_stride = 44;
  if (!packed_supports(DType::float32, g)) GTEST_SKIP() << "no wide vectors";
  const auto a = numbers(21 * 603, 1), b = numbers(40 * 605, 2), bias = numbers(40, 3);
  std::vector<float> got(21 * 44, -9), expected = got;
  packed_gemm_with_bias(g, a.data(), b.data(), bias.data(), got.data());
  fill_rows(DType::float32, g.m, g.n, bias.data(), expected.data(), g.c_stride);
  g.beta = 1;
  reference_gemm(DType::float32, g, a.data(), b.data(), expected.data());
  for (size_t i = 0; i < got.size(); ++i) EXPECT_NEAR(got[i], expected[i], 1e-4) << i;
}

TEST(PackedGemm, IsTheSameWithAnyNumberOfThreads) {
  const Gemm g = Gemm::packed(true, false, 700, 90, 900);
  if (!packed_supports(DType::float32, g)) GTEST_SKIP() << "no wide vectors";
  const auto a = numbers(g.m * g.k, 1), b = numbers(g.k * g.n, 2);
  std::vector<float> many(static_cast<size_t>(g.m * g.n)), one = many;
  packed_gemm(DType::float32, g, a.data(), b.data(), many.data());
  const SingleThread alone;
  packed_gemm(DType::float32, g, a.data(), b.data(), one.data());
  EXPECT_EQ(many, one);
}

TEST(PackedGemm, LeavesOthersToTheLibrary) {
  EXPECT_FALSE(packed_supports(DType::float64, Gemm::packed(false, false, 64, 64, 64)));
  EXPECT_FALSE(packed_supports(DType::float32, Gemm::packed(false, false, 1, 64, 64)));
  EXPECT_FALSE(packed_supports(DType::float32, Gemm::packed(false, false, 64, 64, 0)));
}

}  // namespace
}  // namespace gemel::kernels
