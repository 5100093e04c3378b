#include "simd/small_product.h"

#include <algorithm>
#include <array>

#include <hwy/cache_control.h>

#undef HWY_DISABLED_TARGETS
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_AVX3_DL)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "simd/small_product.cpp"
#include <hwy/foreach_target.h>
//
#include <hwy/highway.h>

#include "simd/transpose-inl.h"

HWY_BEFORE_NAMESPACE();
namespace gemel::simd::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using Float = hn::ScalableTag<float>;
using Vector = hn::Vec<Float>;

// Rows of a tile: as many as leave registers for two vectors of B and one element of A.
inline constexpr int tile_rows = HWY_TARGET == HWY_AVX3 ? 12 : HWY_TARGET == HWY_AVX2 ? 6 : 4;
// Rows of B taken at a time, so that a panel of two vectors' width stays in the first cache.
inline constexpr int64_t panel_rows = 256;

// Instruction sets with masked loads and stores touch no byte beyond the mask.
inline constexpr bool has_masks = HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_AVX2;

HWY_INLINE Vector load_first(Float d, const float* from, size_t lanes) {
  if constexpr (has_masks) return hn::MaskedLoad(hn::FirstN(d, lanes), d, from);
  HWY_ALIGN float copy[hn::MaxLanes(d)] = {};
  for (size_t i = 0; i < lanes; ++i) copy[i] = from[i];
  return hn::Load(d, copy);
}

HWY_INLINE void store_first(Float d, Vector value, float* to, size_t lanes) {
  if constexpr (has_masks) return hn::BlendedStore(value, hn::FirstN(d, lanes), d, to);
  HWY_ALIGN float copy[hn::MaxLanes(d)];
  hn::Store(value, d, copy);
  for (size_t i = 0; i < lanes; ++i) to[i] = copy[i];
}

// One tile of C, `rows` x `vectors`; the last vector has `lanes` elements where `partial`.
template <int rows, int vectors, bool partial, bool unit_row>
HWY_INLINE void tile(const SmallProduct& q, const float* a, const float* b, float* c, int64_t k,
                     size_t lanes, bool accumulate) {
  const Float d;
  const int64_t width = hn::Lanes(d);
  auto load = [&](const float* from, int v) HWY_ATTR {
    return partial && v == vectors - 1 ? load_first(d, from + v * width, lanes)
                                       : hn::LoadU(d, from + v * width);
  };
  Vector sum[rows][vectors];
#pragma GCC unroll 12
  for (int r = 0; r < rows; ++r)
#pragma GCC unroll 2
    for (int v = 0; v < vectors; ++v) sum[r][v] = hn::Zero(d);
  // A pointer for every three rows: x86 addresses reach the other two.
  constexpr int bases = (rows + 2) / 3;
  const int64_t row = unit_row ? 1 : q.a_row;
  const int64_t step = unit_row ? q.a_step : 1;
  const float* base[bases];
#pragma GCC unroll 4
  for (int g = 0; g < bases; ++g) base[g] = a + 3 * g * row;
  const float* next = a + rows * q.a_row;  // the tile below, which is read soon
  for (int64_t p = 0; p < k; ++p, b += q.b_row) {
    if (!unit_row) hwy::Prefetch(next + p * rows);
    Vector right[vectors];
#pragma GCC unroll 2
    for (int v = 0; v < vectors; ++v) right[v] = load(b, v);
#pragma GCC unroll 12
    for (int r = 0; r < rows; ++r) {
      const Vector left = hn::Set(d, base[r / 3][(r % 3) * row]);
#pragma GCC unroll 2
      for (int v = 0; v < vectors; ++v) sum[r][v] = hn::MulAdd(left, right[v], sum[r][v]);
    }
#pragma GCC unroll 4
    for (int g = 0; g < bases; ++g) base[g] += step;
  }
#pragma GCC unroll 12
  for (int r = 0; r < rows; ++r)
#pragma GCC unroll 2
    for (int v = 0; v < vectors; ++v) {
      float* to = c + r * q.c_row;
      if (accumulate) sum[r][v] = hn::Add(sum[r][v], load(to, v));
      if (partial && v == vectors - 1)
        store_first(d, sum[r][v], to + v * width, lanes);
      else
        hn::StoreU(sum[r][v], d, to + v * width);
    }
}

template <int rows, int vectors, bool partial, bool unit_row>
void strip(const SmallProduct& q, const float* a, const float* b, float* c, int64_t& i, int64_t k,
           size_t lanes, bool accumulate) {
  for (; i + rows <= q.m; i += rows)
    tile<rows, vectors, partial, unit_row>(q, a + i * q.a_row, b, c + i * q.c_row, k, lanes,
                                           accumulate);
  if constexpr (rows > 1)
    strip<(rows > 8   ? 8
           : rows > 4 ? 4
                      : rows / 2),
          vectors, partial, unit_row>(q, a, b, c, i, k, lanes, accumulate);
}

template <bool unit_row>
void run_product(const SmallProduct& q) {
  const int64_t width = hn::Lanes(Float());
  for (int64_t first = 0; first < q.k || first == 0; first += panel_rows) {
    const int64_t k = std::min(panel_rows, q.k - first);
    const bool accumulate = q.accumulate || first > 0;
    const float* a = q.a + first * q.a_step;
    for (int64_t j = 0; j < q.n;) {
      const float* b = q.b + first * q.b_row + j;
      const int64_t left = q.n - j;
      int64_t i = 0;
      if (left >= 2 * width)
        strip<tile_rows, 2, false, unit_row>(q, a, b, q.c + j, i, k, 0, accumulate);
      else if (left > width)
        strip<tile_rows, 2, true, unit_row>(q, a, b, q.c + j, i, k, left - width, accumulate);
      else
        strip<tile_rows, 1, true, unit_row>(q, a, b, q.c + j, i, k, left, accumulate);
      j += std::min(left, 2 * width);
    }
  }
}

void product(const SmallProduct& q) {
  if (q.a_row == 1)
    run_product<true>(q);
  else
    run_product<false>(q);
}

void transpose(int64_t rows, int64_t columns, const float* from, int64_t from_row, float* to,
               int64_t to_row, bool accumulate) {
  transpose_blocks(rows, columns, from, from_row, to, to_row, accumulate);
}

}  // namespace gemel::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gemel::simd {

HWY_EXPORT(product);
HWY_EXPORT(transpose);

void small_product(const SmallProduct& q) { HWY_DYNAMIC_DISPATCH(product)(q); }

void small_transpose(int64_t rows, int64_t columns, const float* from, int64_t from_row, float* to,
                     int64_t to_row, bool accumulate) {
  HWY_DYNAMIC_DISPATCH(transpose)(rows, columns, from, from_row, to, to_row, accumulate);
}

}  // namespace gemel::simd
#endif
