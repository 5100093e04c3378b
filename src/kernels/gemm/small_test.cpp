#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "kernels/gemm/gemm.h"
#include "kernels/testing.h"

namespace gemel::kernels {
namespace {

using testing::numbers;

TEST(SmallGemm, EqualsTheReference) {
  for (int64_t m : {1, 2, 7, 13, 32})
    for (int64_t n : {1, 5, 16, 33, 70})
      for (int64_t k : {1, 9, 300})
        for (auto [ta, tb] : {std::pair{false, false}, {true, false}, {false, true}})
          for (float beta : {0.f, 1.f}) {
            const Gemm g = Gemm::packed(ta, tb, m, n, k, beta);
            ASSERT_TRUE(small_supports(DType::float32, g));
            const auto a = numbers(m * k, 1), b = numbers(k * n, 2);
            auto got = numbers(m * n, 3), expected = got;
            small_gemm(DType::float32, g, a.data(), b.data(), got.data());
            reference_gemm(DType::float32, g, a.data(), b.data(), expected.data());
            for (int64_t i = 0; i < m * n; ++i)
              ASSERT_NEAR(got[i], expected[i], 1e-6 * (k + 10))
                  << m << ' ' << n << ' ' << k << ' ' << ta << tb << beta;
          }
}

TEST(SmallGemm, RowsWithGaps) {
  Gemm g = Gemm::packed(false, true, 3, 4, 5, 0);
  g.a_stride = 8, g.b_stride = 7, g.c_stride = 6;
  const auto a = numbers(3 * 8, 1), b = numbers(4 * 7, 2);
  std::vector<float> got(3 * 6, -9), expected = got;
  small_gemm(DType::float32, g, a.data(), b.data(), got.data());
  reference_gemm(DType::float32, g, a.data(), b.data(), expected.data());
  for (size_t i = 0; i < got.size(); ++i) EXPECT_NEAR(got[i], expected[i], 1e-5) << i;
}

TEST(SmallGemm, LeavesOthersToTheLibrary) {
  EXPECT_FALSE(small_supports(DType::float64, Gemm::packed(false, false, 2, 2, 2)));
  EXPECT_FALSE(small_supports(DType::float32, Gemm::packed(true, true, 2, 2, 2)));
  EXPECT_FALSE(small_supports(DType::float32, Gemm::packed(false, false, 0, 2, 2)));
  EXPECT_FALSE(small_supports(DType::float32, Gemm::packed(false, false, 1024, 1024, 1024)));
}

}  // namespace
}  // namespace gemel::kernels
