#include "simd/packed_product.h"

#include <hwy/cache_control.h>

#include <algorithm>

#undef HWY_DISABLED_TARGETS
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_AVX3_DL)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "simd/packed_product.cpp"
#include <hwy/foreach_target.h>
//
#include <hwy/highway.h>

#include "simd/transpose-inl.h"

HWY_BEFORE_NAMESPACE();
namespace gemel::simd::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Only where vectors are wide and can be masked does this beat a library.
#if HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_AVX2
using Float = hn::ScalableTag<float>;
using Vector = hn::Vec<Float>;

// As many rows as leave registers for two vectors of B and one element of A. The last rows of a
// matrix are filled up to a multiple of `row_step` with zeros.
inline constexpr int64_t tile_rows = HWY_TARGET == HWY_AVX3 ? 12 : 6;
inline constexpr int64_t row_step = tile_rows / 3;
inline constexpr int64_t width = hn::MaxLanes(Float());
inline constexpr int64_t tile_columns = 2 * width;

constexpr int64_t rounded(int64_t count, int64_t unit) { return (count + unit - 1) / unit * unit; }

ProductTile tile_shape() { return {tile_rows, tile_columns}; }
int64_t left_size(int64_t m, int64_t k) { return rounded(m, row_step) * k; }
int64_t right_size(int64_t k, int64_t n) { return k * rounded(n, width); }

void left(int64_t m, int64_t k, const StridedMatrix& a, float* to) {
  for (int64_t first = 0; first < m; first += tile_rows) {
    const int64_t count = std::min(tile_rows, m - first), rows = rounded(count, row_step);
    const float* from = a.data + first * a.row;
    if (rows > count) std::fill_n(to, rows * k, 0.0f);
    if (a.column == 1) {
      transpose_blocks(count, k, from, a.row, to, rows, false);
    } else {
      const Float d;
      const auto mask = hn::FirstN(d, static_cast<size_t>(count));
      for (int64_t p = 0; p < k; ++p)
        hn::BlendedStore(hn::MaskedLoad(mask, d, from + p * a.column), mask, d, to + p * rows);
    }
    to += rows * k;
  }
}

// Rows of B that are laid out for all panels before the next: far fewer pages of memory than a
// panel has rows, and each row is read on, as the hardware expects.
inline constexpr int64_t right_rows = 16;

void right(int64_t k, int64_t n, const StridedMatrix& b, float* to) {
  const Float d;
  for (int64_t top = 0; b.column == 1 && top < k; top += right_rows)
    for (int64_t first = 0; first < n; first += tile_columns) {
      const int64_t count = std::min(tile_columns, n - first), columns = rounded(count, width);
      const auto mask = hn::FirstN(d, static_cast<size_t>(count - (columns - width)));
      for (int64_t p = top; p < std::min(k, top + right_rows); ++p) {
        const float* row = b.data + p * b.row + first;
        float* target = to + first * k + p * columns;
        if (columns > width) hn::StoreU(hn::LoadU(d, row), d, target);
        hn::StoreU(hn::MaskedLoad(mask, d, row + columns - width), d, target + columns - width);
      }
    }
  for (int64_t first = 0; b.column != 1 && first < n; first += tile_columns) {
    const int64_t count = std::min(tile_columns, n - first), columns = rounded(count, width);
    float* target = to + first * k;
    if (columns > count) std::fill_n(target, columns * k, 0.0f);
    transpose_blocks(count, k, b.data + first * b.column, b.column, target, columns, false);
  }
}

// One tile of C, of which `valid` rows exist and `lanes` elements of the last vector.
template <int rows, int vectors>
HWY_INLINE void tile(const PackedProduct& q, const float* a, const float* b, float* c,
                     const float* add, int64_t valid, size_t lanes) {
  const Float d;
  Vector sum[rows][vectors];
#pragma GCC unroll 12
  for (int r = 0; r < rows; ++r) {
    hwy::Prefetch(c + std::min<int64_t>(r, valid - 1) * q.c_row);
#pragma GCC unroll 2
    for (int v = 0; v < vectors; ++v) sum[r][v] = hn::Zero(d);
  }
  for (int64_t p = 0; p < q.k; ++p, a += rows, b += vectors * width) {
    Vector right[vectors];
#pragma GCC unroll 2
    for (int v = 0; v < vectors; ++v) right[v] = hn::LoadU(d, b + v * width);
#pragma GCC unroll 12
    for (int r = 0; r < rows; ++r) {
      const Vector left = hn::Set(d, a[r]);
#pragma GCC unroll 2
      for (int v = 0; v < vectors; ++v) sum[r][v] = hn::MulAdd(left, right[v], sum[r][v]);
    }
  }
  const auto mask = hn::FirstN(d, lanes);
#pragma GCC unroll 12
  for (int r = 0; r < rows; ++r) {
    if (r >= valid) break;
#pragma GCC unroll 2
    for (int v = 0; v < vectors; ++v) {
      float* to = c + r * q.c_row + v * width;
      const float* other = add + r * q.add_row + v * width;
      if (v == vectors - 1) {
        if (add) sum[r][v] = hn::Add(sum[r][v], hn::MaskedLoad(mask, d, other));
        hn::BlendedStore(sum[r][v], mask, d, to);
      } else {
        if (add) sum[r][v] = hn::Add(sum[r][v], hn::LoadU(d, other));
        hn::StoreU(sum[r][v], d, to);
      }
    }
  }
}

// One group of rows of A against all panels, which pass by it.
template <int rows>
void group(const PackedProduct& q, const float* a, float* c, const float* add, int64_t valid) {
  const float* b = q.right;
  for (int64_t j = 0; j < q.n; j += tile_columns, b += tile_columns * q.k) {
    const int64_t left = q.n - j;
    const float* other = add ? add + j : nullptr;
    if (left > width)
      tile<rows, 2>(q, a, b, c + j, other, valid,
                    static_cast<size_t>(std::min(left - width, width)));
    else
      tile<rows, 1>(q, a, b, c + j, other, valid, static_cast<size_t>(left));
  }
}

void product(const PackedProduct& q) {
  for (int64_t i = 0; i < q.m; i += tile_rows) {
    const int64_t valid = std::min(tile_rows, q.m - i), rows = rounded(valid, row_step);
    const float* a = q.left + i * q.k;
    float* c = q.c + i * q.c_row;
    const float* add = q.add ? q.add + i * q.add_row : nullptr;
    if (rows == tile_rows)
      group<tile_rows>(q, a, c, add, valid);
    else if (rows == 2 * row_step)
      group<2 * row_step>(q, a, c, add, valid);
    else
      group<row_step>(q, a, c, add, valid);
  }
}

#else
ProductTile tile_shape() { return {}; }
int64_t left_size(int64_t, int64_t) { return 0; }
int64_t right_size(int64_t, int64_t) { return 0; }
void left(int64_t, int64_t, const StridedMatrix&, float*) {}
void right(int64_t, int64_t, const StridedMatrix&, float*) {}
void product(const PackedProduct&) {}
#endif

}  // namespace gemel::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gemel::simd {

HWY_EXPORT(tile_shape);
HWY_EXPORT(left_size);
HWY_EXPORT(right_size);
HWY_EXPORT(left);
HWY_EXPORT(right);
HWY_EXPORT(product);

ProductTile product_tile() { return HWY_DYNAMIC_DISPATCH(tile_shape)(); }
int64_t packed_left_size(int64_t m, int64_t k) { return HWY_DYNAMIC_DISPATCH(left_size)(m, k); }
int64_t packed_right_size(int64_t k, int64_t n) { return HWY_DYNAMIC_DISPATCH(right_size)(k, n); }
void pack_left(int64_t m, int64_t k, const StridedMatrix& a, float* packed) {
  HWY_DYNAMIC_DISPATCH(left)(m, k, a, packed);
}
void pack_right(int64_t k, int64_t n, const StridedMatrix& b, float* packed) {
  HWY_DYNAMIC_DISPATCH(right)(k, n, b, packed);
}
void packed_product(const PackedProduct& q) { HWY_DYNAMIC_DISPATCH(product)(q); }

}  // namespace gemel::simd
#endif
