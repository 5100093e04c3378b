#include "simd/row_loops.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
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
    T sum = 0, dot = 0, distance = 0, centred = 0;
    const T mean = T(0.25);
    for (size_t i = 0; i < n; ++i) {
      a[i] = T((i * 7) % 11) / 4 - 1;
      x[i] = T((i * 5) % 13) / 4 - 2;
      sum += a[i];
      dot += a[i] * x[i];
      distance += (x[i] - mean) * (x[i] - mean);
      centred += a[i] * (x[i] - mean);
    }
    EXPECT_NEAR(loops.sum(a.data(), n), sum, tolerance * n);
    EXPECT_NEAR(loops.dot(a.data(), x.data(), n), dot, tolerance * n);
    EXPECT_NEAR(loops.squared_distance(x.data(), mean, n), distance, tolerance * n);
    EXPECT_NEAR(loops.centred_dot(a.data(), x.data(), mean, n), centred, tolerance * n);
    loops.subtract_multiply_add(x.data(), mean, T(2), T(1), out.data(), n);
    for (size_t i = 0; i < n; ++i) EXPECT_EQ(out[i], (x[i] - mean) * T(2) + T(1));
    loops.normalize_backward(a.data(), x.data(), T(0.5), mean, T(0.125), T(3), out.data(), n);
    for (size_t i = 0; i < n; ++i)
      EXPECT_EQ(out[i], (a[i] - T(0.5) - (x[i] - mean) * T(0.125)) * T(3));
    const std::vector<T> scale(n, T(2)), shift(n, T(-1));
    loops.normalize_columns(a.data(), x.data(), scale.data(), shift.data(), out.data(), n);
    for (size_t i = 0; i < n; ++i) EXPECT_EQ(out[i], (a[i] - x[i]) * 2 - 1);
  }
}

TYPED_TEST(RowLoopsTest, SoftmaxOfRowsOfEveryLength) {
  using T = TypeParam;
  const RowLoops<T>& loops = row_loops<T>();
  const double tolerance = std::is_same_v<T, float> ? 1e-6 : 1e-14;
  for (size_t n : {0, 1, 3, 15, 16, 17, 100})
    for (double factor : {1.0, -0.5}) {
      const size_t rows = 3;
      std::vector<T> x(rows * n), y(rows * n), log_y(rows * n);
      for (size_t i = 0; i < x.size(); ++i) x[i] = T(std::sin(double(i) * 3) * 20 + 1000);
      loops.softmax(x.data(), rows, n, T(factor), y.data());
      loops.log_softmax(x.data(), rows, n, T(factor), log_y.data());
      for (size_t i = 0; i < x.size(); ++i) {
        double sum = 0;
        for (size_t k = i / n * n; k < (i / n + 1) * n; ++k)
          sum += std::exp(factor * (double(x[k]) - double(x[i])));
        EXPECT_NEAR(y[i] * sum, 1, 50 * tolerance) << i << " of " << n;
        EXPECT_NEAR(log_y[i], -std::log(sum), 100 * tolerance) << i << " of " << n;
      }
      std::vector<T> in_place = x;
      loops.softmax(in_place.data(), rows, n, T(factor), in_place.data());
      EXPECT_EQ(in_place, y);
    }
}

TYPED_TEST(RowLoopsTest, NotANumberSpoilsItsOwnRowOnly) {
  using T = TypeParam;
  const size_t n = 21;
  for (size_t at : {size_t{0}, size_t{7}, n - 1})
    for (auto softmax : {row_loops<T>().softmax, row_loops<T>().log_softmax}) {
      std::vector<T> x(3 * n, T(1));
      x[n + at] = std::numeric_limits<T>::quiet_NaN();
      softmax(x.data(), 3, n, T(1), x.data());
      for (size_t i = 0; i < x.size(); ++i) EXPECT_EQ(std::isnan(x[i]), i / n == 1) << i;
    }
}

}  // namespace
}  // namespace gemel::simd
