#include "simd/row_loops.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace gemel::simd {
namespace {

template <typename T>
class RowLoopsTest : public ::testing::Test {};
using Types = ::testing::Types<float, double>;
TYPED_TEST_SUITE(RowLoopsTest, Types);

TYPED_TEST(RowLoopsTest, AgreeWithPlainLoopsAtEveryLength) {
  using T = TypeParam;
  const RowLoops<T>& loops = row_loops<T>();
  const T tolerance = std::is_same_v<T, float> ? T(2e-5) : T(1e-12);
  for (size_t n : {0, 1, 3, 7, 8, 15, 16, 17, 63, 64, 65, 200}) {
    std::vector<T> a(n), x(n), out(n);
    T sum = 0, largest = -INFINITY, dot = 0, distance = 0, centred = 0;
    const T mean = T(0.25);
    for (size_t i = 0; i < n; ++i) {
      a[i] = T((i * 7) % 11) / 4 - 1;
      x[i] = T((i * 5) % 13) / 4 - 2;
      sum += a[i];
      largest = std::max(largest, a[i]);
      dot += a[i] * x[i];
      distance += (x[i] - mean) * (x[i] - mean);
      centred += a[i] * (x[i] - mean);
    }
    EXPECT_NEAR(loops.sum(a.data(), n), sum, tolerance * n);
    EXPECT_EQ(loops.largest(a.data(), n), largest);
    EXPECT_NEAR(loops.dot(a.data(), x.data(), n), dot, tolerance * n);
    EXPECT_NEAR(loops.squared_distance(x.data(), mean, n), distance, tolerance * n);
    EXPECT_NEAR(loops.centred_dot(a.data(), x.data(), mean, n), centred, tolerance * n);
    loops.multiply_subtract(x.data(), T(1.5), T(0.5), out.data(), n);
    for (size_t i = 0; i < n; ++i) EXPECT_EQ(out[i], x[i] * T(1.5) - T(0.5));
    loops.subtract_multiply_add(x.data(), mean, T(2), T(1), out.data(), n);
    for (size_t i = 0; i < n; ++i) EXPECT_EQ(out[i], (x[i] - mean) * T(2) + T(1));
    loops.normalize_backward(a.data(), x.data(), T(0.5), mean, T(0.125), T(3), out.data(), n);
    for (size_t i = 0; i < n; ++i)
      EXPECT_EQ(out[i], (a[i] - T(0.5) - (x[i] - mean) * T(0.125)) * T(3));
  }
}

}  // namespace
}  // namespace gemel::simd
