#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "kernels/gemm/gemm.h"
#include "kernels/parallel.h"
#include "kernels/testing.h"

namespace gemel::kernels {
namespace {

using testing::numbers;

TEST(ThinGemm, EqualsTheReference) {
  for (int64_t m : {1, 2, 3, 4, 5, 6, 7, 8, 9, 17, 64})
    for (int64_t n : {1, 5, 50})
      for (int64_t k : {64, 79, 97, 5003})
        for (float beta : {0.f, 1.f}) {
          Gemm g = Gemm::packed(false, true, m, n, k, beta);
          g.a_stride += 3, g.b_stride += 5, g.c_stride += 2;
          ASSERT_TRUE(m > 8 || thin_supports(DType::float32, g));
          const auto a = numbers(m * g.a_stride, 1), b = numbers(n * g.b_stride, 2);
          auto got = numbers(m * g.c_stride, 3), expected = got;
          thin_gemm(DType::float32, g, a.data(), b.data(), got.data());
          reference_gemm(DType::float32, g, a.data(), b.data(), expected.data());
          for (size_t i = 0; i < got.size(); ++i)
            ASSERT_NEAR(got[i], expected[i], 1e-6 * static_cast<double>(k))
                << m << ' ' << n << ' ' << k << ' ' << beta;
        }
}

TEST(ThinGemm, IsTheSameWithAnyNumberOfThreads) {
  const Gemm g = Gemm::packed(false, true, 3, 1001, 2000);
  const auto a = numbers(g.m * g.k, 1), b = numbers(g.k * g.n, 2);
  std::vector<float> many(static_cast<size_t>(g.m * g.n)), one = many;
  thin_gemm(DType::float32, g, a.data(), b.data(), many.data());
  const SingleThread alone;
  thin_gemm(DType::float32, g, a.data(), b.data(), one.data());
  EXPECT_EQ(many, one);
}

TEST(ThinGemm, LeavesOthersAlone) {
  EXPECT_FALSE(thin_supports(DType::float64, Gemm::packed(false, true, 1, 64, 64)));
  EXPECT_FALSE(thin_supports(DType::float32, Gemm::packed(false, false, 1, 64, 64)));
  EXPECT_FALSE(thin_supports(DType::float32, Gemm::packed(true, true, 1, 64, 64)));
  EXPECT_FALSE(thin_supports(DType::float32, Gemm::packed(false, true, 64, 64, 64)));
  EXPECT_TRUE(thin_supports(DType::float32, Gemm::packed(false, true, 64, 512, 1024)));
  EXPECT_FALSE(thin_supports(DType::float32, Gemm::packed(false, true, 65, 512, 1024)));
  EXPECT_FALSE(thin_supports(DType::float32, Gemm::packed(false, true, 1, 64, 2)));
}

}  // namespace
}  // namespace gemel::kernels
