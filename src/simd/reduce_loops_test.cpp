#include "simd/reduce_loops.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

namespace gemel::simd {
namespace {

template <typename T>
class ReduceLoopsTest : public ::testing::Test {};
using Types = ::testing::Types<float, double>;
TYPED_TEST_SUITE(ReduceLoopsTest, Types);

template <typename T>
T combined(Reducing kind, T a, T b) {
  if (kind == Reducing::max) return b > a || b != b ? b : a;
  if (kind == Reducing::min) return b < a || b != b ? b : a;
  return a + b;
}

// The order that the header promises, one element after the other.
template <typename T>
T in_lanes(Reducing kind, const std::vector<T>& x) {
  const T infinity = std::numeric_limits<T>::infinity();
  std::vector<T> lane(16, kind == Reducing::max ? -infinity : kind == Reducing::min ? infinity : 0);
  for (size_t i = 0; i < x.size(); ++i)
    lane[i % 16] = combined(kind, lane[i % 16], kind == Reducing::add_squares ? x[i] * x[i] : x[i]);
  for (int width = 8; width > 0; width /= 2)
    for (int k = 0; k < width; ++k) lane[k] = combined(kind, lane[k], lane[k + width]);
  return lane[0];
}

TYPED_TEST(ReduceLoopsTest, SameBitsAsOneByOne) {
  using T = TypeParam;
  const auto& loops = reduce_loops<T>();
  for (size_t n : {0, 1, 3, 15, 16, 17, 31, 32, 100, 1000})
    for (int k = 0; k < reducing_count; ++k) {
      const Reducing kind = static_cast<Reducing>(k);
      std::vector<T> x(n);
      std::vector<double> total(n, 0.125), expected(n, 0.125);
      for (size_t i = 0; i < n; ++i) {
        x[i] = std::sin(T(i) * T(1.7)) / 3;
        const T value = kind == Reducing::add_squares ? x[i] * x[i] : x[i];
        expected[i] = combined<double>(kind, expected[i], value);
      }
      EXPECT_EQ(loops.run[k](x.data(), n), in_lanes(kind, x)) << k << " of " << n;
      loops.accumulate[k](x.data(), total.data(), n);
      EXPECT_EQ(total, expected) << k << " of " << n;
    }
}

TYPED_TEST(ReduceLoopsTest, NotANumberWins) {
  using T = TypeParam;
  const auto& loops = reduce_loops<T>();
  for (Reducing kind : {Reducing::max, Reducing::min})
    for (size_t at : {0, 5, 16, 39}) {
      std::vector<T> x(40, T(1));
      x[at] = std::numeric_limits<T>::quiet_NaN();
      EXPECT_TRUE(std::isnan(loops.run[static_cast<int>(kind)](x.data(), x.size()))) << at;
      std::vector<double> total(40, 2);
      loops.accumulate[static_cast<int>(kind)](x.data(), total.data(), 40);
      for (size_t i = 0; i < 40; ++i) EXPECT_EQ(std::isnan(total[i]), i == at);
      loops.accumulate[static_cast<int>(kind)](std::vector<T>(40, T(3)).data(), total.data(), 40);
      EXPECT_TRUE(std::isnan(total[at]));
    }
}

}  // namespace
}  // namespace gemel::simd
