// Products with a matrix whose rows are stretches of one array that begin at given offsets: what a
// convolution over a padded plane is, whose patches are the plane itself, shifted.
#pragma once
#include <cstdint>

namespace gemel::simd {

// How far beyond a stretch of n elements loops may read and write.
inline constexpr int64_t shifted_slack = 64;

// Row j of the matrix is x[offsets[j] + i].
struct ShiftedRows {
  const float* x = nullptr;
  const int64_t* offsets = nullptr;
  int64_t count = 0;
};

// The left operand in groups of rows, in each the rows of one column side by side; `row` and
// `column` are its steps in memory.
void shifted_left(int64_t m, int64_t k, const float* a, int64_t row, int64_t column, float* to);

// c[r * c_row + i] = (add ? add[r] : 0) + sum over j of a(r, j) * x[offsets[j] + i], for m rows r
// and n elements i, and some beyond. Each is summed in the order of j.
struct ShiftedProduct {
  ShiftedRows rows;
  int64_t m = 0, n = 0;
  const float* left = nullptr;
  const float* add = nullptr;
  float* c = nullptr;
  int64_t c_row = 0;
};
void shifted_product(const ShiftedProduct& product);

// sums[r * count + j] += the sum over images and i < n of y[r * y_row + i] * x[offsets[j] + i];
// images of x and y lie x_image and y_image elements apart. What lies behind the n elements of a
// row of y is zero up to a whole vector.
struct ShiftedDots {
  ShiftedRows rows;
  int64_t m = 0, n = 0, images = 1;
  const float* y = nullptr;
  int64_t y_row = 0, y_image = 0, x_image = 0;
  float* sums = nullptr;
};
void shifted_dots(const ShiftedDots& dots);

// Rows of n elements from one place to another; short ones cost no call.
void copy_rows(int64_t rows, int64_t n, const float* from, int64_t from_row, float* to,
               int64_t to_row);
// Of rows of n elements the even ones, and the odd ones, to rows `to_row` elements apart.
void split_pairs(int64_t rows, int64_t n, const float* from, int64_t from_row, float* even,
                 float* odd, int64_t to_row);
// to[2 * i] = from[i] for rows of n elements; what lies between stays as it is.
void spread_pairs(int64_t rows, int64_t n, const float* from, int64_t from_row, float* to,
                  int64_t to_row);

}  // namespace gemel::simd
