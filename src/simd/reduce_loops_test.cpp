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

template <typename T>
T mapped(Reducing kind, T x) {
  return kind == Reducing::add_squares ? x * x : x;
}

// The order that the header promises, one element after the other.
template <typename T>
T in_lanes(Reducing kind, const std::vector<T>& x) {
  const T infinity = std::numeric_limits<T>::infinity();
  const size_t lanes = x.size() < run_lanes<T> ? 16 : run_lanes<T>;
  std::vector<T> lane(lanes, kind == Reducing::max   ? -infinity
                             : kind == Reducing::min ? infinity
                                                     : 0);
  const size_t whole = x.size() / 16 * 16;  // what is left comes after the lanes are joined to 16
  for (size_t i = 0; i < whole; ++i)
    lane[i % lanes] = combined(kind, lane[i % lanes], mapped(kind, x[i]));
  for (size_t width = lanes / 2; width > 0; width /= 2) {
    if (width == 8)
      for (size_t i = whole; i < x.size(); ++i)
        lane[i % 16] = combined(kind, lane[i % 16], mapped(kind, x[i]));
    for (size_t k = 0; k < width; ++k) lane[k] = combined(kind, lane[k], lane[k + width]);
  }
  return lane[0];
}

template <typename T>
std::vector<T> numbers(size_t n, double phase = 0) {
  std::vector<T> x(n);
  for (size_t i = 0; i < n; ++i) x[i] = std::sin(T(i) * T(1.7) + T(phase)) / 3;
  return x;
}

TYPED_TEST(ReduceLoopsTest, SameBitsAsOneByOne) {
  using T = TypeParam;
  const auto& loops = reduce_loops<T>();
  for (size_t n : {0, 1, 3, 15, 16, 17, 31, 32, 63, 64, 79, 100, 127, 128, 1000})
    for (int k = 0; k < reducing_count; ++k) {
      const auto x = numbers<T>(n);
      EXPECT_EQ(loops.run[k](x.data(), n), in_lanes(static_cast<Reducing>(k), x))
          << k << " of " << n;
    }
}

TYPED_TEST(ReduceLoopsTest, RowsAreJoinedTwoByTwo) {
  using T = TypeParam;
  for (size_t n : {1, 7, 8, 21})
    for (size_t rows : {0, 1, 3, 4, 7, 8, 13, 16})
      for (int k = 0; k < reducing_count; ++k) {
        const Reducing kind = static_cast<Reducing>(k);
        std::vector<std::vector<T>> x;
        std::vector<const T*> row;
        for (size_t r = 0; r < rows; ++r) x.push_back(numbers<T>(n, double(r)));
        for (size_t r = 0; r < rows; ++r) row.push_back(x[r].data());
        std::vector<double> total(n, 0.125);
        reduce_loops<T>().accumulate[k](row.data(), rows, total.data(), n);
        for (size_t i = 0; i < n; ++i) {
          const auto at = [&](size_t r) { return mapped(kind, x[r][i]); };
          const auto pair = [&](size_t r) { return combined<T>(kind, at(r), at(r + 1)); };
          const auto four = [&](size_t r) { return combined<T>(kind, pair(r), pair(r + 2)); };
          double expected = 0.125;
          size_t r = 0;
          for (; r + 8 <= rows; r += 8)
            expected = combined<double>(kind, expected, combined<T>(kind, four(r), four(r + 4)));
          if (r + 4 <= rows) expected = combined<double>(kind, expected, four(r)), r += 4;
          for (; r < rows; ++r) expected = combined<double>(kind, expected, at(r));
          EXPECT_EQ(total[i], expected) << k << ": " << i << " of " << rows << " x " << n;
        }
      }
}

TYPED_TEST(ReduceLoopsTest, NotANumberWins) {
  using T = TypeParam;
  const auto& loops = reduce_loops<T>();
  for (Reducing kind : {Reducing::max, Reducing::min})
    for (size_t at : {0, 5, 16, 39, 70, 130}) {
      std::vector<T> x(131, T(1));
      x[at] = std::numeric_limits<T>::quiet_NaN();
      EXPECT_TRUE(std::isnan(loops.run[static_cast<int>(kind)](x.data(), x.size()))) << at;
      const std::vector<T> plain(131, T(3));
      for (size_t place = 0; place < 9; ++place) {  // in each of the rows that are joined
        std::vector<const T*> rows(9, plain.data());
        rows[place] = x.data();
        std::vector<double> total(131, 2);
        loops.accumulate[static_cast<int>(kind)](rows.data(), 9, total.data(), 131);
        for (size_t i = 0; i < 131; ++i) EXPECT_EQ(std::isnan(total[i]), i == at);
      }
    }
}

TYPED_TEST(ReduceLoopsTest, FindTheFirst) {
  using T = TypeParam;
  const auto find = reduce_loops<T>().find;
  for (size_t n : {1, 16, 40})
    for (size_t at = 0; at < n; ++at) {
      std::vector<T> x(n, T(1));
      x[at] = T(2);
      if (at + 5 < n) x[at + 5] = T(2);
      EXPECT_EQ(find(x.data(), n, T(2)), at);
      EXPECT_EQ(find(x.data(), n, T(3)), n);
      x[at] = std::numeric_limits<T>::quiet_NaN();
      EXPECT_EQ(find(x.data(), n, x[at]), at);
    }
}

TYPED_TEST(ReduceLoopsTest, ExtremeRowsKeepTheFirstOfEqualOnes) {
  using T = TypeParam;
  const T nan = std::numeric_limits<T>::quiet_NaN();
  for (bool largest : {false, true})
    for (size_t n : {1, 16, 37}) {
      const size_t rows = 5;
      std::vector<T> x(rows * n), best(n, T(0));
      for (size_t i = 0; i < x.size(); ++i) x[i] = i % 17 == 3 ? nan : T(int(i * 7 % 5) - 2);
      std::vector<IndexOf<T>> index(n, -1);
      reduce_loops<T>().extreme_rows[largest](x.data(), n, rows, 10, best.data(), index.data(), n);
      for (size_t i = 0; i < n; ++i) {
        T wanted = 0;
        IndexOf<T> at = -1;
        for (size_t r = 0; r < rows; ++r) {
          const T v = x[r * n + i];
          const bool better = largest ? v > wanted : v < wanted;
          if (wanted == wanted && (v != v || better)) wanted = v, at = IndexOf<T>(10 + r);
        }
        EXPECT_EQ(index[i], at) << i;
        EXPECT_TRUE(best[i] == wanted || (best[i] != best[i] && wanted != wanted)) << i;
      }
    }
}

TYPED_TEST(ReduceLoopsTest, PositionsBeyondALimit) {
  using T = TypeParam;
  for (bool largest : {false, true})
    for (size_t n : {0, 5, 64, 131}) {
      auto x = numbers<T>(n);
      if (n > 5) x[4] = std::numeric_limits<T>::quiet_NaN();
      const T limit = largest ? T(0.3) : T(-0.3);
      std::vector<uint32_t> expected, at(n + 1);
      for (size_t i = 0; i < n; ++i)
        if (largest ? x[i] > limit : x[i] < limit) expected.push_back(uint32_t(i));
      at.resize(reduce_loops<T>().beyond[largest](x.data(), n, limit, at.data()));
      EXPECT_EQ(at, expected);
    }
}

}  // namespace
}  // namespace gemel::simd
