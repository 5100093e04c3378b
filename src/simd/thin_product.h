// Product of a few rows with the transpose of a matrix that is too large for the caches: a layer's
// weight with one sample or a few. The matrix passes by once, several of its rows side by side.
#pragma once
#include <cstdint>

namespace gemel::simd {

// A laid out for it: groups of rows, in each the vectors of all rows at one place side by side.
// Reading it takes one stream, which leaves the cache's places to B.
int64_t thin_left_size(int64_t m, int64_t k);
void thin_left(int64_t m, int64_t k, const float* a, int64_t a_row, float* to);

// C = A B^T, or C += A B^T: A is m x k, B n x k, C m x n; rows of B and C are contiguous, *_row
// elements apart. What an element of C is depends on m and k only, not on n or on where it lies.
struct ThinProduct {
  int64_t m = 0, n = 0, k = 0;
  const float* left = nullptr;
  const float* b = nullptr;
  int64_t b_row = 0;
  float* c = nullptr;
  int64_t c_row = 0;
  bool accumulate = false;
  float* scratch = nullptr;  // thin_scratch_size(m), aligned to 64 bytes
};
int64_t thin_scratch_size(int64_t m);
void thin_product(const ThinProduct& product);

}  // namespace gemel::simd
