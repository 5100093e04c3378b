// Vector loops over some rows of a matrix that add up each of its columns, for normalisation;
// chosen once for the CPU at hand. Eight rows are added to each other in T, two by two; their sums
// and single rows follow in double. The order is fixed, so the bits are the same everywhere. Rows
// lie `stride` elements apart and have n elements. T is float or double.
#pragma once
#include <cstddef>

namespace gemel::simd {

template <typename T>
struct ColumnLoops {
  // sum += x - centre
  void (*add_distances)(const T* x, const T* centre, size_t stride, size_t rows, double* sum,
                        size_t n);
  // sum += (x - centre)^2
  void (*add_squared_distances)(const T* x, const T* centre, size_t stride, size_t rows,
                                double* sum, size_t n);
  // sum += dy, product += dy * (x - centre)
  void (*add_centred_products)(const T* dy, const T* x, const T* centre, size_t stride, size_t rows,
                               double* sum, double* product, size_t n);
  // out = (dy - average - (x - mean) * slope) * scale of one row; out may be dy
  void (*normalize_backward)(const T* dy, const T* x, const T* average, const T* mean,
                             const T* slope, const T* scale, T* out, size_t n);
};

// Safe from any thread.
template <typename T>
const ColumnLoops<T>& column_loops();
template <>
const ColumnLoops<float>& column_loops<float>();
template <>
const ColumnLoops<double>& column_loops<double>();

}  // namespace gemel::simd
