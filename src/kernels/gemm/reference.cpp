#include <algorithm>
#include <cstring>

#include "kernels/gemm/gemm.h"
#include "kernels/parallel.h"
#include "kernels/reduce.h"

namespace gemel::kernels {
namespace {

// Integers wrap around in their own width; sums in int64 give the same bits and do not overflow
// a narrow signed type.
template <typename T>
using sum_type = std::conditional_t<std::is_integral_v<T>, int64_t, compute_type<T>>;

constexpr int64_t block = 128;

template <typename T>
T stored(sum_type<T> value) {
  if constexpr (std::is_same_v<T, bool>)
    return value != 0;
  else
    return static_cast<T>(value);
}

// One block of one row of C. B's rows are walked along memory whether it is transposed or not.
template <typename T>
void row_block(const Gemm& g, const T* a, const T* b, T* c, int64_t row, int64_t first,
               int64_t count) {
  using Sum = sum_type<T>;
  Sum sums[block];
  T* target = c + row * g.c_stride + first;
  for (int64_t j = 0; j < count; ++j) sums[j] = g.beta != 0 ? static_cast<Sum>(target[j]) : Sum(0);
  const T* a_row = a + (g.transpose_a ? row : row * g.a_stride);
  const int64_t a_step = g.transpose_a ? g.a_stride : 1;
  if (g.transpose_b) {
    for (int64_t j = 0; j < count; ++j) {
      const T* b_row = b + (first + j) * g.b_stride;
      Sum sum = sums[j];
      for (int64_t p = 0; p < g.k; ++p)
        sum += static_cast<Sum>(a_row[p * a_step]) * static_cast<Sum>(b_row[p]);
      sums[j] = sum;
    }
  } else {
    for (int64_t p = 0; p < g.k; ++p) {
      const Sum factor = static_cast<Sum>(a_row[p * a_step]);
      const T* b_row = b + p * g.b_stride + first;
      for (int64_t j = 0; j < count; ++j) sums[j] += factor * static_cast<Sum>(b_row[j]);
    }
  }
  for (int64_t j = 0; j < count; ++j) target[j] = stored<T>(sums[j]);
}

template <typename T>
void run(const Gemm& g, const T* a, const T* b, T* c) {
  parallel_for(g.m, g.n * g.k, [&](int64_t row) {
    for (int64_t first = 0; first < g.n; first += block)
      row_block(g, a, b, c, row, first, std::min(block, g.n - first));
  });
}

}  // namespace

void reference_gemm(DType dtype, const Gemm& g, const void* a, const void* b, void* c) {
  dispatch(dtype, [&](auto type) {
    using T = typename decltype(type)::type;
    run(g, static_cast<const T*>(a), static_cast<const T*>(b), static_cast<T*>(c));
  });
}

bool own_supports(DType dtype, const Gemm& g) {
  // A product with a vector that takes some time is better off in a library.
  constexpr int64_t short_product = 4096;
  if (std::min(g.m, g.n) == 1 && g.m * g.n > short_product / std::max<int64_t>(g.k, 1))
    return false;
  return small_supports(dtype, g) || packed_supports(dtype, g);
}
void own_gemm(DType dtype, const Gemm& g, const void* a, const void* b, void* c) {
  (small_supports(dtype, g) ? small_gemm : packed_gemm)(dtype, g, a, b, c);
}

void gemm(DType dtype, const Gemm& g, const void* a, const void* b, void* c) {
  if (small_supports(dtype, g))
    small_gemm(dtype, g, a, b, c);
  else if (packed_supports(dtype, g))
    packed_gemm(dtype, g, a, b, c);
  else if (blas_supports(dtype))
    blas_gemm(dtype, g, a, b, c);
  else
    reference_gemm(dtype, g, a, b, c);
}

void fill_rows(DType dtype, int64_t rows, int64_t columns, const void* bias, void* c,
               int64_t c_stride) {
  const size_t bytes = static_cast<size_t>(columns * size_of(dtype));
  if (bytes == 0) return;
  for (int64_t i = 0; i < rows; ++i)
    std::memcpy(static_cast<char*>(c) + i * c_stride * size_of(dtype), bias, bytes);
}

void gemm_with_bias(DType dtype, const Gemm& g, const void* a, const void* b, const void* bias,
                    void* c) {
  if (!small_supports(dtype, g) && packed_supports(dtype, g))
    return packed_gemm_with_bias(g, a, b, bias, c);
  Gemm adding = g;
  adding.beta = 1;
  fill_rows(dtype, g.m, g.n, bias, c, g.c_stride);
  gemm(dtype, adding, a, b, c);
}

void sum_rows(DType dtype, int64_t rows, int64_t columns, const void* a, void* sum) {
  const Tensor matrix(const_cast<void*>(a), {rows, columns}, dtype);
  constexpr uint32_t over_rows = 1;  // the set of axes {0}
  reduce(Reduction::sum, matrix, over_rows, Tensor(sum, {columns}, dtype));
}

}  // namespace gemel::kernels
