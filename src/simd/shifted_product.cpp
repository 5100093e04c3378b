#include "simd/shifted_product.h"

#include <algorithm>

#undef HWY_DISABLED_TARGETS
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_AVX3_DL)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "simd/shifted_product.cpp"
#include <hwy/foreach_target.h>
//
#include <hwy/highway.h>

#include "simd/vector_loops-inl.h"

HWY_BEFORE_NAMESPACE();
namespace gemel::simd::HWY_NAMESPACE {
namespace shifted {
namespace hn = hwy::HWY_NAMESPACE;

using Float = hn::CappedTag<float, 16>;
using Vector = hn::Vec<Float>;
constexpr Float d{};

inline constexpr bool wide = HWY_TARGET == HWY_AVX3;
// Rows of a group, and vectors beside each other that leave registers for the operands.
inline constexpr int most_rows = wide ? 8 : 4;
constexpr int vectors_of(int rows) {
  return rows >= 8 ? 3 : rows >= 4 ? (wide ? 6 : 3) : wide ? 8 : 4;
}

// Sizes of the groups that m rows are taken in: whole ones, then of halves.
constexpr int group_of(int64_t m) {
  int rows = most_rows;
  while (rows > m) rows /= 2;
  return rows;
}

void lay_out(int64_t m, int64_t k, const float* a, int64_t row, int64_t column, float* to) {
  for (int64_t i = 0; i < m;) {
    const int rows = group_of(m - i);
    for (int64_t j = 0; j < k; ++j)
      for (int r = 0; r < rows; ++r) *to++ = a[(i + r) * row + j * column];
    i += rows;
  }
}

template <int rows, int vectors>
HWY_INLINE void tile(const ShiftedProduct& q, const float* left, const float* add, float* c,
                     int64_t i) {
  const int64_t lanes = hn::Lanes(d);
  Vector sum[rows][vectors];
#pragma GCC unroll 8
  for (int r = 0; r < rows; ++r)
#pragma GCC unroll 8
    for (int v = 0; v < vectors; ++v) sum[r][v] = add ? hn::Set(d, add[r]) : hn::Zero(d);
  const float* const x = q.rows.x + i;
  for (int64_t j = 0; j < q.rows.count; ++j, left += rows) {
    const float* from = x + q.rows.offsets[j];
    Vector right[vectors];
#pragma GCC unroll 8
    for (int v = 0; v < vectors; ++v) right[v] = hn::LoadU(d, from + v * lanes);
#pragma GCC unroll 8
    for (int r = 0; r < rows; ++r) {
      const Vector value = hn::Set(d, left[r]);
#pragma GCC unroll 8
      for (int v = 0; v < vectors; ++v) sum[r][v] = hn::MulAdd(value, right[v], sum[r][v]);
    }
  }
#pragma GCC unroll 8
  for (int r = 0; r < rows; ++r)
#pragma GCC unroll 8
    for (int v = 0; v < vectors; ++v) hn::StoreU(sum[r][v], d, c + r * q.c_row + i + v * lanes);
}

// What is left of the columns: fewer vectors.
template <int rows, int vectors>
void last(const ShiftedProduct& q, const float* left, const float* add, float* c, int64_t i,
          int64_t count) {
  if constexpr (vectors > 0) {
    if (count == vectors) return tile<rows, vectors>(q, left, add, c, i);
    last<rows, vectors - 1>(q, left, add, c, i, count);
  }
}

template <int rows>
void group(const ShiftedProduct& q, const float* left, const float* add, float* c, int64_t i) {
  constexpr int vectors = vectors_of(rows);
  const int64_t lanes = hn::Lanes(d), end = std::min(q.n, i + 24 * lanes);
  for (; i + vectors * lanes <= end; i += vectors * lanes) tile<rows, vectors>(q, left, add, c, i);
  if (i < end) last<rows, vectors>(q, left, add, c, i, (end - i + lanes - 1) / lanes);
}

void product(const ShiftedProduct& q) {
  // Columns in blocks that all groups of rows pass over while they are in the first cache.
  const int64_t block = 24 * hn::Lanes(d);
  for (int64_t i = 0; i < q.n; i += block) {
    const float* left = q.left;
    for (int64_t r = 0; r < q.m;) {
      const int rows = group_of(q.m - r);
      const float* add = q.add ? q.add + r : nullptr;
      float* c = q.c + r * q.c_row;
      if constexpr (most_rows == 8)
        if (rows == 8) group<8>(q, left, add, c, i);
      if (rows == 4) group<4>(q, left, add, c, i);
      if (rows == 2) group<2>(q, left, add, c, i);
      if (rows == 1) group<1>(q, left, add, c, i);
      left += rows * q.rows.count;
      r += rows;
    }
  }
}

template <int rows, int columns>
HWY_INLINE void dots_tile(const ShiftedDots& q, int64_t r, int64_t j) {
  const int64_t lanes = hn::Lanes(d);
  Vector sum[rows][columns];
  const float* x[columns];
#pragma GCC unroll 8
  for (int v = 0; v < columns; ++v) x[v] = q.rows.x + q.rows.offsets[j + v];
#pragma GCC unroll 4
  for (int u = 0; u < rows; ++u)
#pragma GCC unroll 8
    for (int v = 0; v < columns; ++v) sum[u][v] = hn::Zero(d);
  for (int64_t image = 0; image < q.images; ++image) {
    const float* y = q.y + image * q.y_image + r * q.y_row;
    const int64_t shift = image * q.x_image;
    for (int64_t i = 0; i < q.n; i += lanes) {
      Vector head[rows];
#pragma GCC unroll 4
      for (int u = 0; u < rows; ++u) head[u] = hn::LoadU(d, y + u * q.y_row + i);
#pragma GCC unroll 8
      for (int v = 0; v < columns; ++v) {
        const Vector value = hn::LoadU(d, x[v] + shift + i);
#pragma GCC unroll 4
        for (int u = 0; u < rows; ++u) sum[u][v] = hn::MulAdd(head[u], value, sum[u][v]);
      }
    }
  }
#pragma GCC unroll 4
  for (int u = 0; u < rows; ++u)
#pragma GCC unroll 8
    for (int v = 0; v < columns; ++v)
      q.sums[(r + u) * q.rows.count + j + v] += hn::GetLane(hn::SumOfLanes(d, sum[u][v]));
}

template <int rows>
void dots_group(const ShiftedDots& q, int64_t r) {
  constexpr int columns = wide ? 6 : 3;
  int64_t j = 0;
  for (; j + columns <= q.rows.count; j += columns) dots_tile<rows, columns>(q, r, j);
  if constexpr (columns > 3)
    for (; j + 3 <= q.rows.count; j += 3) dots_tile<rows, 3>(q, r, j);
  for (; j < q.rows.count; ++j) dots_tile<rows, 1>(q, r, j);
}

void dots(const ShiftedDots& q) {
  int64_t r = 0;
  for (; r + 4 <= q.m; r += 4) dots_group<4>(q, r);
  for (; r + 2 <= q.m; r += 2) dots_group<2>(q, r);
  if (r < q.m) dots_group<1>(q, r);
}

void copy(int64_t rows, int64_t n, const float* from, int64_t from_row, float* to, int64_t to_row) {
  const int64_t lanes = hn::Lanes(d), whole = n / lanes * lanes;
  const auto rest = static_cast<size_t>(n - whole);
  for (int64_t r = 0; r < rows; ++r, from += from_row, to += to_row) {
    for (int64_t i = 0; i < whole; i += lanes) hn::StoreU(hn::LoadU(d, from + i), d, to + i);
    if (rest) store_tail(d, load_tail(d, from + whole, rest), to + whole, rest);
  }
}

void split(int64_t rows, int64_t n, const float* from, int64_t from_row, float* even, float* odd,
           int64_t to_row) {
  const int64_t lanes = hn::Lanes(d), whole = n / (2 * lanes) * 2 * lanes, left = n - whole;
  for (int64_t r = 0; r < rows; ++r, from += from_row, even += to_row, odd += to_row) {
    for (int64_t i = 0; i < whole; i += 2 * lanes) {
      Vector a, b;
      hn::LoadInterleaved2(d, from + i, a, b);
      hn::StoreU(a, d, even + i / 2);
      hn::StoreU(b, d, odd + i / 2);
    }
    if (left == 0) continue;
#if HWY_TARGET != HWY_SCALAR
    const Vector low = load_tail(d, from + whole, static_cast<size_t>(std::min(left, lanes)));
    const Vector high = left > lanes
                            ? load_tail(d, from + whole + lanes, static_cast<size_t>(left - lanes))
                            : hn::Zero(d);
    store_tail(d, hn::ConcatEven(d, high, low), even + whole / 2,
               static_cast<size_t>((left + 1) / 2));
    store_tail(d, hn::ConcatOdd(d, high, low), odd + whole / 2, static_cast<size_t>(left / 2));
#else
    for (int64_t i = whole; i < n; ++i) (i % 2 == 0 ? even : odd)[i / 2] = from[i];
#endif
  }
}

void spread(int64_t rows, int64_t n, const float* from, int64_t from_row, float* to,
            int64_t to_row) {
  for (int64_t r = 0; r < rows; ++r, from += from_row, to += to_row) {
    int64_t i = 0;
#if HWY_TARGET == HWY_AVX3
    const __m512i low = _mm512_set_epi32(7, 7, 6, 6, 5, 5, 4, 4, 3, 3, 2, 2, 1, 1, 0, 0);
    const __m512i high = _mm512_add_epi32(low, _mm512_set1_epi32(8));
    for (; i < n; i += 16) {  // each element twice, of which the first is written
      const auto count = static_cast<unsigned>(std::min<int64_t>(16, n - i));
      const auto lanes = static_cast<uint32_t>(((uint64_t{1} << (2 * count)) - 1) & 0x55555555);
      const __m512 x = _mm512_maskz_loadu_ps(static_cast<__mmask16>((1u << count) - 1), from + i);
      _mm512_mask_storeu_ps(to + 2 * i, static_cast<__mmask16>(lanes),
                            _mm512_permutexvar_ps(low, x));
      _mm512_mask_storeu_ps(to + 2 * i + 16, static_cast<__mmask16>(lanes >> 16),
                            _mm512_permutexvar_ps(high, x));
    }
#endif
    for (; i < n; ++i) to[2 * i] = from[i];
  }
}

}  // namespace shifted

void shifted_left_here(int64_t m, int64_t k, const float* a, int64_t row, int64_t column,
                       float* to) {
  shifted::lay_out(m, k, a, row, column, to);
}
void shifted_product_here(const ShiftedProduct& q) { shifted::product(q); }
void shifted_dots_here(const ShiftedDots& q) { shifted::dots(q); }
void copy_here(int64_t rows, int64_t n, const float* from, int64_t from_row, float* to,
               int64_t to_row) {
  shifted::copy(rows, n, from, from_row, to, to_row);
}
void split_here(int64_t rows, int64_t n, const float* from, int64_t from_row, float* even,
                float* odd, int64_t to_row) {
  shifted::split(rows, n, from, from_row, even, odd, to_row);
}
void spread_here(int64_t rows, int64_t n, const float* from, int64_t from_row, float* to,
                 int64_t to_row) {
  shifted::spread(rows, n, from, from_row, to, to_row);
}

}  // namespace gemel::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gemel::simd {

HWY_EXPORT(shifted_left_here);
HWY_EXPORT(shifted_product_here);
HWY_EXPORT(shifted_dots_here);
HWY_EXPORT(copy_here);
HWY_EXPORT(split_here);
HWY_EXPORT(spread_here);

void shifted_left(int64_t m, int64_t k, const float* a, int64_t row, int64_t column, float* to) {
  HWY_DYNAMIC_DISPATCH(shifted_left_here)(m, k, a, row, column, to);
}
void shifted_product(const ShiftedProduct& q) { HWY_DYNAMIC_DISPATCH(shifted_product_here)(q); }
void shifted_dots(const ShiftedDots& q) { HWY_DYNAMIC_DISPATCH(shifted_dots_here)(q); }
void copy_rows(int64_t rows, int64_t n, const float* from, int64_t from_row, float* to,
               int64_t to_row) {
  HWY_DYNAMIC_DISPATCH(copy_here)(rows, n, from, from_row, to, to_row);
}
void split_pairs(int64_t rows, int64_t n, const float* from, int64_t from_row, float* even,
                 float* odd, int64_t to_row) {
  HWY_DYNAMIC_DISPATCH(split_here)(rows, n, from, from_row, even, odd, to_row);
}
void spread_pairs(int64_t rows, int64_t n, const float* from, int64_t from_row, float* to,
                  int64_t to_row) {
  HWY_DYNAMIC_DISPATCH(spread_here)(rows, n, from, from_row, to, to_row);
}

}  // namespace gemel::simd
#endif
