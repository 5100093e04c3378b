#include "simd/thin_product.h"

#include <algorithm>

#undef HWY_DISABLED_TARGETS
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_AVX3_DL)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "simd/thin_product.cpp"
#include <hwy/foreach_target.h>
//
#include <hwy/highway.h>

#include "simd/vector_loops-inl.h"

HWY_BEFORE_NAMESPACE();
namespace gemel::simd::HWY_NAMESPACE {
namespace thin {
namespace hn = hwy::HWY_NAMESPACE;

using Float = hn::ScalableTag<float>;
using Vector = hn::Vec<Float>;

// Rows of A in a group at most, and sums that leave registers for the operands.
inline constexpr int most_rows = HWY_TARGET == HWY_AVX3 ? 6 : 3;
inline constexpr int most_sums = HWY_TARGET == HWY_AVX3 ? 24 : 9;
// Rows in each group of m.
int64_t group_of(int64_t m) {
  const int64_t groups = (m + most_rows - 1) / most_rows;
  return (m + groups - 1) / groups;
}
// Rows of B side by side.
constexpr int columns_of(int rows) { return std::clamp(most_sums / rows, 1, 4); }
// Sums of the same elements, where few would wait for one another.
constexpr int copies_of(int rows, int columns) { return rows * columns >= 8 ? 1 : 2; }
// Elements of a group that stay in the first cache while rows of B pass by.
inline constexpr int64_t held = 3072;
// Rows of B that are taken to the end before the next ones: their sums so far stay in a cache, and
// what comes next of them is fetched meanwhile.
inline constexpr int64_t chunk = 24;

int64_t rounded(int64_t k) {
  const int64_t lanes = hn::Lanes(Float());
  return (k + lanes - 1) / lanes * lanes;
}

void lay_out(int64_t m, int64_t k, const float* a, int64_t a_row, float* to) {
  const Float d;
  const int64_t lanes = hn::Lanes(d);
  const int64_t group = group_of(m);
  for (int64_t i = 0; i < m; i += group) {
    const int64_t rows = std::min(group, m - i);
    for (int64_t p = 0; p < k; p += lanes)
      for (int64_t r = 0; r < rows; ++r, to += lanes) {
        const float* from = a + (i + r) * a_row + p;
        const int64_t count = std::min(lanes, k - p);
        hn::StoreU(
            count == lanes ? hn::LoadU(d, from) : load_tail(d, from, static_cast<size_t>(count)), d,
            to);
      }
  }
}

// A block of steps [first, last) of all k.
struct Block {
  int64_t first, last;
  bool begins, ends;
  int64_t ahead;  // from an element of B to the one that is fetched for later
};

// c[i, j] (+)= the products of a group's `rows` rows with `columns` rows of B; `sums` are kept from
// block to block.
template <int rows, int columns>
HWY_INLINE void tile(const ThinProduct& q, const Block& block, const float* left, const float* b,
                     float* sums, float* c) {
  const Float d;
  const int64_t lanes = hn::Lanes(d);
  constexpr int copies = copies_of(rows, columns);
  Vector sum[copies][rows][columns];
#pragma GCC unroll 6
  for (int r = 0; r < rows; ++r)
#pragma GCC unroll 4
    for (int j = 0; j < columns; ++j) {
#pragma GCC unroll 2
      for (int u = 0; u < copies; ++u) sum[u][r][j] = hn::Zero(d);
      if (!block.begins) sum[0][r][j] = hn::Load(d, sums + (r * chunk + j) * lanes);
    }
  const auto step = [&](int u, auto&& load, int64_t p) HWY_ATTR {
    Vector right[columns];
#pragma GCC unroll 4
    for (int j = 0; j < columns; ++j) {
      __builtin_prefetch(b + j * q.b_row + p + block.ahead, 0, 2);
      right[j] = load(b + j * q.b_row + p);
    }
#pragma GCC unroll 6
    for (int r = 0; r < rows; ++r) {
      const Vector value = hn::LoadU(d, left + p * rows + r * lanes);
#pragma GCC unroll 4
      for (int j = 0; j < columns; ++j) sum[u][r][j] = hn::MulAdd(value, right[j], sum[u][r][j]);
    }
  };
  const auto whole = [&](const float* from) HWY_ATTR { return hn::LoadU(d, from); };
  int64_t p = block.first;
  for (; p + copies * lanes <= block.last; p += copies * lanes)
#pragma GCC unroll 2
    for (int u = 0; u < copies; ++u) step(u, whole, p + u * lanes);
  for (; p + lanes <= block.last; p += lanes) step(0, whole, p);
  if (p < block.last)
    step(
        0,
        [&](const float* from)
            HWY_ATTR { return load_tail(d, from, static_cast<size_t>(q.k - p)); },
        p);
#pragma GCC unroll 6
  for (int r = 0; r < rows; ++r)
#pragma GCC unroll 4
    for (int j = 0; j < columns; ++j) {
      if (copies == 2) sum[0][r][j] = hn::Add(sum[0][r][j], sum[copies - 1][r][j]);
      if (!block.ends) {
        hn::Store(sum[0][r][j], d, sums + (r * chunk + j) * lanes);
        continue;
      }
      float* to = c + r * q.c_row + j;
      const float value = hn::GetLane(hn::SumOfLanes(d, sum[0][r][j]));
      *to = q.accumulate ? *to + value : value;
    }
}

// A group of rows of A and a chunk of rows of B.
template <int rows>
void strip(const ThinProduct& q, const Block& block, int64_t n, const float* left, const float* b,
           float* sums, float* c) {
  const int64_t lanes = hn::Lanes(Float());
  constexpr int columns = columns_of(rows);
  int64_t j = 0;
  for (; j + columns <= n; j += columns)
    tile<rows, columns>(q, block, left, b + j * q.b_row, sums + j * lanes, c + j);
  for (; j < n; ++j) tile<rows, 1>(q, block, left, b + j * q.b_row, sums + j * lanes, c + j);
}

template <int rows, typename... Arguments>
void strip_of(int64_t count, const Arguments&... arguments) {
  if (count == rows) return strip<rows>(arguments...);
  if constexpr (rows > 1) strip_of<rows - 1>(count, arguments...);
}

void product(const ThinProduct& q) {
  const int64_t lanes = hn::Lanes(Float());
  const int64_t group = group_of(q.m), wide = q.k * group;
  const int64_t blocks = (wide + held - 1) / held, part = rounded((q.k + blocks - 1) / blocks);
  float* const sums = q.scratch;
  for (int64_t j = 0; j < q.n; j += chunk)
    for (int64_t first = 0; first < q.k; first += part) {
      Block block{first, std::min(first + part, q.k), first == 0, first + part >= q.k, part};
      if (block.ends) block.ahead = chunk * q.b_row - first;
      for (int64_t i = 0; i < q.m; i += group)
        strip_of<most_rows>(std::min(group, q.m - i), q, block, std::min(chunk, q.n - j),
                            q.left + i * rounded(q.k), q.b + j * q.b_row, sums + i * chunk * lanes,
                            q.c + i * q.c_row + j);
    }
}

}  // namespace thin

int64_t thin_left_size_here(int64_t m, int64_t k) { return m * thin::rounded(k); }
void thin_left_here(int64_t m, int64_t k, const float* a, int64_t a_row, float* to) {
  thin::lay_out(m, k, a, a_row, to);
}
int64_t thin_scratch_size_here(int64_t m) { return m * thin::chunk * hn::Lanes(thin::Float()); }
void thin_product_here(const ThinProduct& q) { thin::product(q); }

}  // namespace gemel::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gemel::simd {

HWY_EXPORT(thin_left_size_here);
HWY_EXPORT(thin_left_here);
HWY_EXPORT(thin_scratch_size_here);
HWY_EXPORT(thin_product_here);

int64_t thin_left_size(int64_t m, int64_t k) {
  return HWY_DYNAMIC_DISPATCH(thin_left_size_here)(m, k);
}
void thin_left(int64_t m, int64_t k, const float* a, int64_t a_row, float* to) {
  HWY_DYNAMIC_DISPATCH(thin_left_here)(m, k, a, a_row, to);
}
int64_t thin_scratch_size(int64_t m) { return HWY_DYNAMIC_DISPATCH(thin_scratch_size_here)(m); }
void thin_product(const ThinProduct& q) { HWY_DYNAMIC_DISPATCH(thin_product_here)(q); }

}  // namespace gemel::simd
#endif
