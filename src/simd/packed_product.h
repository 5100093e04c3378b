// Matrix product of float32 operands that were laid out for it: what a large product, or many
// products with one matrix, are made of. Here are the layouts and the inner loops; the blocking for
// caches and threads is the caller's (kernels/gemm/packed.cpp).
#pragma once
#include <cstdint>

#include "base/export.h"

namespace gemel::simd {

// What one inner loop computes on the CPU at hand. No rows: this CPU has no such loop, and nothing
// below may be called.
struct ProductTile {
  int64_t rows = 0, columns = 0;
};
GEMEL_EXPORT ProductTile product_tile();

// A matrix in memory: element (i, j) is data[i * row + j * column]; one of the two steps is 1.
struct StridedMatrix {
  const float* data = nullptr;
  int64_t row = 0, column = 1;
};

// Floats that a packed operand takes: A is m x k, B is k x n.
GEMEL_EXPORT int64_t packed_left_size(int64_t m, int64_t k);
GEMEL_EXPORT int64_t packed_right_size(int64_t k, int64_t n);

// A in groups of a tile's rows, group after group, in each the rows of one column side by side. The
// groups from row i on begin at packed + i * k where i is a multiple of the tile's rows.
GEMEL_EXPORT void pack_left(int64_t m, int64_t k, const StridedMatrix& a, float* packed);
// B in panels of a tile's columns, panel after panel, in each row after row. The panels from column
// j on begin at packed + j * k where j is a multiple of the tile's columns.
GEMEL_EXPORT void pack_right(int64_t k, int64_t n, const StridedMatrix& b, float* packed);

// C = A B + Z. Rows of C are contiguous, c_row elements apart; Z is a matrix like C (it may be C
// itself), with add_row 0 one row for all of them, or null for nothing. For each element of C the
// products are summed in the order of k, whatever m and n are.
struct PackedProduct {
  int64_t m = 0, n = 0, k = 0;
  const float *left = nullptr, *right = nullptr;
  float* c = nullptr;
  int64_t c_row = 0;
  const float* add = nullptr;
  int64_t add_row = 0;
};
GEMEL_EXPORT void packed_product(const PackedProduct& product);

}  // namespace gemel::simd
