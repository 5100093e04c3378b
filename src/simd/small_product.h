// Matrix product of float32 for small matrices, on the calling thread, without packing: what a
// library spends on preparation costs more than the product of a mini-batch with a layer's weight.
#pragma once
#include <cstdint>

#include "base/export.h"

namespace gemel::simd {

// C = A B, or C += A B. Element (i, p) of A is a[i * a_row + p * a_step], one of the two steps is
// 1; rows of B and C are contiguous, b_row and c_row elements apart. C overlaps neither.
struct SmallProduct {
  int64_t m = 0, n = 0, k = 0;
  const float* a = nullptr;
  int64_t a_row = 0, a_step = 0;
  const float* b = nullptr;
  int64_t b_row = 0;
  float* c = nullptr;
  int64_t c_row = 0;
  bool accumulate = false;
};
GEMEL_EXPORT void small_product(const SmallProduct& product);

// to[j * to_row + i] = from[i * from_row + j], or += it.
GEMEL_EXPORT void small_transpose(int64_t rows, int64_t columns, const float* from,
                                  int64_t from_row, float* to, int64_t to_row, bool accumulate);

}  // namespace gemel::simd
