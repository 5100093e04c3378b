// Matrix products of row-major matrices: C = op(A) op(B) + beta C, where op transposes or not.
#pragma once
#include <cstdint>
#include <string>

#include "base/dtype.h"

namespace gemel::kernels {

struct Gemm {
  bool transpose_a = false, transpose_b = false;
  int64_t m = 0, n = 0, k = 0;  // C is m x n, the sum runs over k
  float beta = 0;               // 0 or 1; with 0, C is not read
  // Elements between neighbouring rows as stored (of A and B before they are transposed).
  int64_t a_stride = 0, b_stride = 0, c_stride = 0;

  // Matrices without gaps between their rows.
  static Gemm packed(bool transpose_a, bool transpose_b, int64_t m, int64_t n, int64_t k,
                     float beta = 0) {
    return {transpose_a, transpose_b, m, n, k, beta, transpose_a ? m : k, transpose_b ? k : n, n};
  }
};

// Plain loops for every type; halves and small integers are summed in a wider type and rounded
// once.
void reference_gemm(DType dtype, const Gemm& gemm, const void* a, const void* b, void* c);

// Whether a BLAS library serves this type; without one, never.
bool blas_supports(DType dtype);
// Its name, version and kind of CPU; "no BLAS" without one.
std::string blas_version();
void blas_gemm(DType dtype, const Gemm& gemm, const void* a, const void* b, void* c);

// Whether the product is so small that the direct one, on the calling thread, beats a library.
bool small_supports(DType dtype, const Gemm& gemm);
void small_gemm(DType dtype, const Gemm& gemm, const void* a, const void* b, void* c);

// Whether a few rows meet a transposed matrix, which may be far larger than the caches. Each
// element of C is summed in the same order whatever the number of threads.
bool thin_supports(DType dtype, const Gemm& gemm);
void thin_gemm(DType dtype, const Gemm& gemm, const void* a, const void* b, void* c);

// Whether our own blocked product serves the call: float32 on a CPU with wide vectors, and enough
// rows and columns to pay for laying the operands out. Each element of C is summed in the same
// order whatever the number of threads.
bool packed_supports(DType dtype, const Gemm& gemm);
void packed_gemm(DType dtype, const Gemm& gemm, const void* a, const void* b, void* c);
// With a row that is added to every row of C.
void packed_gemm_with_bias(const Gemm& gemm, const void* a, const void* b, const void* bias,
                           void* c);

// The same with the operands rounded to bfloat16 and sums in float32: where fpmath() is `fast` and
// the CPU multiplies bfloat16 faster (simd/bfloat16_product.h says what rounding does).
bool bfloat16_supports(DType dtype, const Gemm& gemm);
void bfloat16_gemm(DType dtype, const Gemm& gemm, const void* a, const void* b, void* c);
void bfloat16_gemm_with_bias(const Gemm& gemm, const void* a, const void* b, const void* bias,
                             void* c);

// Without a library: the direct or the packed product, where one of them serves the call.
bool own_supports(DType dtype, const Gemm& gemm);
void own_gemm(DType dtype, const Gemm& gemm, const void* a, const void* b, void* c);

// The first of these that serves the call: direct, packed, BLAS, plain loops.
void gemm(DType dtype, const Gemm& gemm, const void* a, const void* b, void* c);

// C = op(A) op(B) with the row `bias` (n elements) added to each row; beta must be 0.
void gemm_with_bias(DType dtype, const Gemm& gemm, const void* a, const void* b, const void* bias,
                    void* c);

// Every row of c (rows x columns, c_stride elements apart) becomes `bias`; a product with beta 1
// then adds to it.
void fill_rows(DType dtype, int64_t rows, int64_t columns, const void* bias, void* c,
               int64_t c_stride);
// sum[j] = the sum of column j of a (rows x columns).
void sum_rows(DType dtype, int64_t rows, int64_t columns, const void* a, void* sum);

}  // namespace gemel::kernels
