#include "simd/bfloat16_product.h"

#include "base/settings.h"

#if defined(__x86_64__) && defined(__GNUC__)
#define GEMEL_HAS_BFLOAT16_CODE
#include <immintrin.h>

#include <algorithm>
#endif

namespace gemel::simd {

#ifdef GEMEL_HAS_BFLOAT16_CODE

#define GEMEL_BFLOAT16 __attribute__((target("avx512f,avx512bw,avx512vl,avx512bf16")))

namespace {

// The tile of packed_product on such a CPU, which the layouts are made for.
constexpr int64_t tile_rows = 12, row_step = 4, width = 16, tile_columns = 32;

constexpr int64_t rounded(int64_t count, int64_t unit) { return (count + unit - 1) / unit * unit; }

// Lines 2p and 2p + 1 of `line` floats become one line of pairs. `line` is a multiple of 4.
GEMEL_BFLOAT16 void pair_lines(int64_t k, int64_t line, float* packed) {
  const __m512i order = _mm512_set_epi16(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24,
                                         8, 23, 7, 22, 6, 21, 5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
  for (int64_t p = 0; p < k; p += 2) {
    const float* even = packed + p * line;
    float* to = packed + p / 2 * line;
    for (int64_t j = 0; j < line; j += width) {
      const auto mask = static_cast<__mmask16>((1u << std::min(width, line - j)) - 1);
      const __m512 first = _mm512_maskz_loadu_ps(mask, even + j);
      const __m512 second =
          p + 1 < k ? _mm512_maskz_loadu_ps(mask, even + line + j) : _mm512_setzero_ps();
      const auto halves = reinterpret_cast<__m512i>(_mm512_cvtne2ps_pbh(second, first));
      _mm512_mask_storeu_epi32(to + j, mask, _mm512_permutexvar_epi16(order, halves));
    }
  }
}

template <int rows, int vectors>
GEMEL_BFLOAT16 inline void tile(const PackedProduct& q, const float* a, const float* b, float* c,
                                const float* add, int64_t valid, int64_t lanes) {
  __m512 sum[rows][vectors];
#pragma GCC unroll 12
  for (int r = 0; r < rows; ++r)
#pragma GCC unroll 2
    for (int v = 0; v < vectors; ++v) sum[r][v] = _mm512_setzero_ps();
  const int* left = reinterpret_cast<const int*>(a);
  for (int64_t p = 0; p < q.k; p += 2, left += rows, b += vectors * width) {
    __m512bh right[vectors];
#pragma GCC unroll 2
    for (int v = 0; v < vectors; ++v)
      right[v] = reinterpret_cast<__m512bh>(_mm512_loadu_ps(b + v * width));
#pragma GCC unroll 12
    for (int r = 0; r < rows; ++r) {
      const auto pair = reinterpret_cast<__m512bh>(_mm512_set1_epi32(left[r]));
#pragma GCC unroll 2
      for (int v = 0; v < vectors; ++v) sum[r][v] = _mm512_dpbf16_ps(sum[r][v], right[v], pair);
    }
  }
  const auto last = static_cast<__mmask16>((1u << lanes) - 1);
#pragma GCC unroll 12
  for (int r = 0; r < rows; ++r) {
    if (r >= valid) break;
#pragma GCC unroll 2
    for (int v = 0; v < vectors; ++v) {
      const __mmask16 mask = v == vectors - 1 ? last : static_cast<__mmask16>(0xffff);
      if (add)
        sum[r][v] =
            _mm512_add_ps(sum[r][v], _mm512_maskz_loadu_ps(mask, add + r * q.add_row + v * width));
      _mm512_mask_storeu_ps(c + r * q.c_row + v * width, mask, sum[r][v]);
    }
  }
}

template <int rows>
GEMEL_BFLOAT16 void group(const PackedProduct& q, const float* a, float* c, const float* add,
                          int64_t valid) {
  const float* b = q.right;
  for (int64_t j = 0; j < q.n; j += tile_columns, b += tile_columns * q.k) {
    const int64_t left = q.n - j;
    const float* other = add ? add + j : nullptr;
    if (left > width)
      tile<rows, 2>(q, a, b, c + j, other, valid, std::min(left - width, width));
    else
      tile<rows, 1>(q, a, b, c + j, other, valid, left);
  }
}

}  // namespace

bool has_bfloat16_product() {
  static const bool has =
      __builtin_cpu_supports("avx512bf16") && __builtin_cpu_supports("avx512bw") &&
      settings::current().instruction_set == "best" && product_tile().rows == tile_rows;
  return has;
}

void bfloat16_left(int64_t m, int64_t k, float* packed) {
  for (int64_t first = 0; first < m; first += tile_rows) {
    const int64_t rows = rounded(std::min(tile_rows, m - first), row_step);
    pair_lines(k, rows, packed + first * k);
  }
}

void bfloat16_right(int64_t k, int64_t n, float* packed) {
  for (int64_t first = 0; first < n; first += tile_columns)
    pair_lines(k, rounded(std::min(tile_columns, n - first), width), packed + first * k);
}

void bfloat16_product(const PackedProduct& q) {
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

bool has_bfloat16_product() { return false; }
void bfloat16_left(int64_t, int64_t, float*) {}
void bfloat16_right(int64_t, int64_t, float*) {}
void bfloat16_product(const PackedProduct&) {}

#endif

}  // namespace gemel::simd
