#include "simd/column_loops.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace gemel::simd {
namespace {

template <typename T>
class ColumnLoopsTest : public ::testing::Test {};
using Types = ::testing::Types<float, double>;
TYPED_TEST_SUITE(ColumnLoopsTest, Types);

template <typename T>
std::vector<T> numbers(size_t n, double phase) {
  std::vector<T> x(n);
  for (size_t i = 0; i < n; ++i) x[i] = T(std::sin(double(i) * 1.7 + phase) / 3);
  return x;
}

// The order that the header promises: eight rows two by two, then single rows.
template <typename T, typename Term>
double in_order(size_t rows, Term&& term) {
  double total = 1;
  size_t r = 0;
  for (; r + 8 <= rows; r += 8) {
    const T a = (term(r) + term(r + 1)) + (term(r + 2) + term(r + 3));
    const T b = (term(r + 4) + term(r + 5)) + (term(r + 6) + term(r + 7));
    total += double(T(a + b));
  }
  for (; r < rows; ++r) total += double(term(r));
  return total;
}

TYPED_TEST(ColumnLoopsTest, SameBitsAsOneByOne) {
  using T = TypeParam;
  const auto& loops = column_loops<T>();
  for (size_t n : {1, 2, 7, 8, 15, 33})
    for (size_t rows : {0, 1, 7, 8, 19}) {
      const size_t stride = n + 3;
      const auto x = numbers<T>(rows * stride + n, 0), dy = numbers<T>(rows * stride + n, 1),
                 centre = numbers<T>(n, 2);
      std::vector<double> plain(n, 1), squares(n, 1), sums(n, 1), products(n, 1);
      loops.add_distances(x.data(), centre.data(), stride, rows, plain.data(), n);
      loops.add_squared_distances(x.data(), centre.data(), stride, rows, squares.data(), n);
      loops.add_centred_products(dy.data(), x.data(), centre.data(), stride, rows, sums.data(),
                                 products.data(), n);
      for (size_t i = 0; i < n; ++i) {
        const auto at = [&](const std::vector<T>& m, size_t r) { return m[r * stride + i]; };
        const auto distance = [&](size_t r) { return T(at(x, r) - centre[i]); };
        EXPECT_EQ(plain[i], in_order<T>(rows, distance));
        EXPECT_EQ(squares[i],
                  in_order<T>(rows, [&](size_t r) { return T(distance(r) * distance(r)); }));
        EXPECT_EQ(sums[i], in_order<T>(rows, [&](size_t r) { return at(dy, r); }));
        EXPECT_EQ(products[i],
                  in_order<T>(rows, [&](size_t r) { return T(at(dy, r) * distance(r)); }));
      }
    }
}

TYPED_TEST(ColumnLoopsTest, BackwardRowInPlace) {
  using T = TypeParam;
  for (size_t n : {1, 5, 8, 16, 37}) {
    const auto x = numbers<T>(n, 0), average = numbers<T>(n, 1), mean = numbers<T>(n, 2),
               slope = numbers<T>(n, 3), scale = numbers<T>(n, 4), dy = numbers<T>(n, 5);
    auto out = dy;
    column_loops<T>().normalize_backward(out.data(), x.data(), average.data(), mean.data(),
                                         slope.data(), scale.data(), out.data(), n);
    for (size_t i = 0; i < n; ++i)
      EXPECT_EQ(out[i], T(T(T(dy[i] - average[i]) - T(T(x[i] - mean[i]) * slope[i])) * scale[i]));
  }
}

}  // namespace
}  // namespace gemel::simd
