// Factorisations and triangular products of one row-major matrix, in float32 or float64. Every
// function exists twice: plain loops, and LAPACK's and BLAS's.
#pragma once
#include <cstdint>

#include "base/dtype.h"

namespace gemel::kernels {

// Where the triangular matrix of a product or of a system stands.
struct Triangular {
  bool right = false;      // behind the other matrix
  bool transpose = false;  // taken as its transpose
  bool lower = true;       // which triangle is read
};

struct LinearAlgebra {
  // a (n x n) becomes its Cholesky factor, lower, with zeros above; only the lower triangle is
  // read. False where a is not positive definite.
  bool (*cholesky)(DType, int64_t n, void* a);
  // b (m x n) becomes alpha op(a) b, or alpha b op(a).
  void (*triangular_multiply)(DType, Triangular, int64_t m, int64_t n, double alpha, const void* a,
                              void* b);
  // b (m x n) becomes alpha op(a)^-1 b, or alpha b op(a)^-1.
  void (*triangular_solve)(DType, Triangular, int64_t m, int64_t n, double alpha, const void* a,
                           void* b);
  // a (n x n) becomes factors whose diagonal holds that of U; `pivots` counts the exchanges:
  // element i is the row (from 1) that row i was exchanged with. False where a pivot is 0.
  bool (*lu)(DType, int64_t n, void* a, int* pivots);
  // The inverse, from what `lu` left.
  void (*lu_inverse)(DType, int64_t n, void* a, const int* pivots);
  // a (m x n, m <= n) becomes Q with orthonormal rows; l (m x m) the lower factor: a = l Q.
  void (*lq)(DType, int64_t m, int64_t n, void* a, void* l);
  // a (n x n, symmetric) becomes its eigenvectors as rows; values ascend. False where the iteration
  // does not end.
  bool (*symmetric_eigen)(DType, int64_t n, void* a, void* values);
};

extern const LinearAlgebra reference_linear_algebra;
// Whether a library is there and serves the type; without it, never.
bool lapack_supports(DType dtype);
extern const LinearAlgebra lapack_linear_algebra;

}  // namespace gemel::kernels
