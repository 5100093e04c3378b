#include "simd/bfloat16_product.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

namespace gemel::simd {
namespace {

float rounded(float value) {
  auto bits = std::bit_cast<uint32_t>(value);
  if (!std::isfinite(value)) return value;
  bits += 0x7fff + (bits >> 16 & 1);
  return std::bit_cast<float>(bits & 0xffff0000);
}

std::vector<float> product(int64_t m, int64_t n, int64_t k, const std::vector<float>& a,
                           const std::vector<float>& b, const std::vector<float>* add = nullptr) {
  std::vector<float> left(static_cast<size_t>(packed_left_size(m, k)));
  std::vector<float> right(static_cast<size_t>(packed_right_size(k, n)));
  pack_left(m, k, {a.data(), k}, left.data());
  bfloat16_left(m, k, left.data());
  pack_right(k, n, {b.data(), n}, right.data());
  bfloat16_right(k, n, right.data());
  std::vector<float> c(static_cast<size_t>(m * n), -1);
  PackedProduct q{m, n, k, left.data(), right.data(), c.data(), n};
  if (add) q.add = add->data(), q.add_row = n;
  bfloat16_product(q);
  return c;
}

TEST(Bfloat16Product, IsTheProductOfRoundedOperands) {
  if (!has_bfloat16_product()) GTEST_SKIP() << "this CPU has no such instruction";
  std::mt19937 generator(1);
  std::uniform_real_distribution<float> values(-1, 1);
  for (const auto& [m, n, k] : {std::tuple{1, 1, 1},
                                {12, 32, 8},
                                {13, 33, 7},
                                {5, 17, 64},
                                {30, 100, 33},
                                {4, 16, 2},
                                {9, 48, 1}}) {
    std::vector<float> a(static_cast<size_t>(m * k)), b(static_cast<size_t>(k * n)),
        add(static_cast<size_t>(m * n));
    for (auto* all : {&a, &b, &add})
      for (float& value : *all) value = values(generator);
    const auto c = product(m, n, k, a, b, &add);
    for (int64_t i = 0; i < m; ++i)
      for (int64_t j = 0; j < n; ++j) {
        double sum = add[static_cast<size_t>(i * n + j)], sizes = std::abs(sum);
        for (int64_t p = 0; p < k; ++p) {
          const double one = static_cast<double>(rounded(a[static_cast<size_t>(i * k + p)])) *
                             rounded(b[static_cast<size_t>(p * n + j)]);
          sum += one;
          sizes += std::abs(one);
        }
        EXPECT_NEAR(c[static_cast<size_t>(i * n + j)], sum, 1e-6 * sizes)
            << m << " x " << n << " x " << k << " at " << i << ", " << j;
      }
  }
}

TEST(Bfloat16Product, ValuesThatAreNoNumbersAndNearTheLimits) {
  if (!has_bfloat16_product()) GTEST_SKIP() << "this CPU has no such instruction";
  const float infinity = std::numeric_limits<float>::infinity();
  EXPECT_EQ(product(1, 1, 2, {infinity, 1}, {2, 3})[0], infinity);
  EXPECT_TRUE(std::isnan(product(1, 1, 1, {std::nanf("")}, {1})[0]));
  EXPECT_TRUE(std::isnan(product(1, 1, 1, {infinity}, {0})[0]));
  // The largest floats round up to infinity: bfloat16 ends at 3.3895e38.
  EXPECT_EQ(product(1, 1, 1, {std::numeric_limits<float>::max()}, {1})[0], infinity);
  EXPECT_EQ(product(1, 1, 1, {3.3895e38f}, {1})[0], rounded(3.3895e38f));
  EXPECT_EQ(product(1, 1, 1, {1e-39f}, {1})[0], 0);  // subnormal
}

}  // namespace
}  // namespace gemel::simd
