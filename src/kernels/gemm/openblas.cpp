// The BLAS side of the matrix product. Without OpenBLAS it says that it serves no type.
#include "kernels/gemm/gemm.h"

#ifdef GEMEL_WITH_OPENBLAS
#include <cblas.h>

#include <algorithm>
#include <limits>
#endif

namespace gemel::kernels {

#ifdef GEMEL_WITH_OPENBLAS

std::string blas_version() { return openblas_get_config(); }

bool blas_supports(DType dtype) { return dtype == DType::float32 || dtype == DType::float64; }

void blas_gemm(DType dtype, const Gemm& g, const void* a, const void* b, void* c) {
  if (g.m == 0 || g.n == 0) return;
  const int64_t largest = std::numeric_limits<blasint>::max();
  // BLAS defines no product over an empty axis with a leading dimension of 0, and its sizes are
  // 32 bits wide.
  if (g.k == 0 || std::max({g.m, g.n, g.k, g.a_stride, g.b_stride, g.c_stride}) > largest)
    return reference_gemm(dtype, g, a, b, c);
  const auto ta = g.transpose_a ? CblasTrans : CblasNoTrans;
  const auto tb = g.transpose_b ? CblasTrans : CblasNoTrans;
  const auto m = static_cast<blasint>(g.m), n = static_cast<blasint>(g.n),
             k = static_cast<blasint>(g.k);
  const auto lda = static_cast<blasint>(g.a_stride), ldb = static_cast<blasint>(g.b_stride);
  const auto ldc = static_cast<blasint>(g.c_stride);
  if (dtype == DType::float32)
    cblas_sgemm(CblasRowMajor, ta, tb, m, n, k, 1, static_cast<const float*>(a), lda,
                static_cast<const float*>(b), ldb, g.beta, static_cast<float*>(c), ldc);
  else
    cblas_dgemm(CblasRowMajor, ta, tb, m, n, k, 1, static_cast<const double*>(a), lda,
                static_cast<const double*>(b), ldb, g.beta, static_cast<double*>(c), ldc);
}

#else

std::string blas_version() { return "no BLAS"; }

bool blas_supports(DType) { return false; }

void blas_gemm(DType dtype, const Gemm& g, const void* a, const void* b, void* c) {
  reference_gemm(dtype, g, a, b, c);
}

#endif

}  // namespace gemel::kernels
