// Pooling over windows of blocked arrays: every element is 16 channels side by side.
#pragma once
#include <cstdint>

#include "base/export.h"

namespace gemel::simd {

// One row of windows of an image in which rows are `line` floats apart. Window i covers `rows` rows
// and columns [first[i], last[i]) of `image`, and gives the 16 floats at out + 16 * i.
struct WindowRow {
  const float* image;
  int64_t line, rows, count;
  const int64_t *first, *last;
  float* out;
};
// Elements that are NaN, and windows without others, are as the lowest number.
GEMEL_EXPORT void pool_block_maxima(const WindowRow& row);
// Sums, divided by divisor[i] unless it is null. Columns are added up first.
GEMEL_EXPORT void pool_block_sums(const WindowRow& row, const float* divisor);

}  // namespace gemel::simd
