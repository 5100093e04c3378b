// Vector loops over one row of numbers: sums, softmax, and the affine steps of normalisation,
// chosen once for the CPU at hand. Sums run in a fixed number of lanes, so their order, and with it
// their rounding, depends on n and on the CPU's vector width only. T is float or double.
#pragma once
#include <cstddef>

namespace gemel::simd {

template <typename T>
struct RowLoops {
  T (*sum)(const T* x, size_t n);
  T (*dot)(const T* a, const T* b, size_t n);
  T (*squared_distance)(const T* x, T mean, size_t n);         // sum of (x - mean)^2
  T (*centred_dot)(const T* a, const T* x, T mean, size_t n);  // sum of a * (x - mean)
  // The loops below are elementwise: out may be an input.
  void (*subtract_multiply_add)(const T* x, T mean, T scale, T shift, T* out,
                                size_t n);  // (x - mean) * scale + shift
  // (dy - average - (x - mean) * slope) * scale
  void (*normalize_backward)(const T* dy, const T* x, T average, T mean, T slope, T scale, T* out,
                             size_t n);
  // y = softmax of x * factor, or its logarithm, of rows of n elements next to each other; y may be
  // x. A NaN makes all of its row NaN.
  void (*softmax)(const T* x, size_t rows, size_t n, T factor, T* y);
  void (*log_softmax)(const T* x, size_t rows, size_t n, T factor, T* y);
  // factor * y * (dy - sum), and factor * (dy - exp(y) * sum)
  void (*softmax_backward)(const T* dy, const T* y, T sum, T factor, T* out, size_t n);
  void (*log_softmax_backward)(const T* dy, const T* y, T sum, T factor, T* out, size_t n);
  // (x - mean) * inverse * gamma + beta, with factors of their own for each element
  void (*normalize_affine)(const T* x, T mean, T inverse, const T* gamma, const T* beta, T* out,
                           size_t n);
  // (x - mean) * scale + shift, with all three of their own for each element
  void (*normalize_columns)(const T* x, const T* mean, const T* scale, const T* shift, T* out,
                            size_t n);
  // sums[0] = sum of dy * gamma, sums[1] = sum of dy * gamma * (x - mean)
  void (*affine_sums)(const T* dy, const T* x, const T* gamma, T mean, T* sums, size_t n);
  // out = (dy * gamma - average - (x - mean) * slope) * inverse; dgamma += dy * (x - mean) *
  // inverse; dbeta += dy
  void (*affine_backward)(const T* dy, const T* x, const T* gamma, T mean, T inverse, T average,
                          T slope, T* out, T* dgamma, T* dbeta, size_t n);
};

// Safe from any thread.
template <typename T>
const RowLoops<T>& row_loops();
template <>
const RowLoops<float>& row_loops<float>();
template <>
const RowLoops<double>& row_loops<double>();

}  // namespace gemel::simd
