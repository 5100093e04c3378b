// Large products of float32: the operands are laid out in blocks that fit the caches, and blocks of
// C are shared out among the threads.
#include <algorithm>

#include "kernels/blocks.h"
#include "kernels/fpmath.h"
#include "kernels/gemm/gemm.h"
#include "kernels/gemm/scratch.h"
#include "kernels/parallel.h"
#include "simd/bfloat16_product.h"
#include "simd/packed_product.h"

namespace gemel::kernels {
namespace {

// A block of B is most_steps x block_columns and stays in the second cache; A is laid out for
// most_rows x most_steps at a time.
constexpr int64_t most_steps = 512, block_columns = 256, most_rows = 4092;
// With fewer rows or columns than this, laying out costs more than it saves.
constexpr int64_t fewest = 8;

simd::StridedMatrix matrix(const void* data, int64_t stride, bool transposed, int64_t row,
                           int64_t column) {
  const auto* first = static_cast<const float*>(data);
  return transposed ? simd::StridedMatrix{first + column * stride + row, 1, stride}
                    : simd::StridedMatrix{first + row * stride + column, stride, 1};
}

// `bias`: a row that is added to every row of C, or null. `rounded`: operands become bfloat16.
void multiply(const Gemm& g, const void* a, const void* b, const float* bias, float* c,
              bool rounded = false) {
  const int64_t unit = simd::product_tile().rows;
  const int64_t steps = (g.k + blocks_of(g.k, most_steps) - 1) / blocks_of(g.k, most_steps);
  const FloatScratch left(simd::packed_left_size(std::min(g.m, most_rows), steps));
  const int64_t right_size = simd::packed_right_size(steps, std::min(g.n, block_columns));
  const FloatScratch right(right_size * thread_count());
  const int64_t across = blocks_of(g.n, block_columns);
  for (int64_t top = 0; top < g.m; top += most_rows)
    for (int64_t first = 0; first < g.k; first += steps) {
      const int64_t rows = std::min(most_rows, g.m - top), k = std::min(steps, g.k - first);
      constexpr int64_t groups = 16;  // of a tile's rows, laid out by one thread
      parallel_for(blocks_of(rows, groups * unit), groups * unit * k, [&](int64_t at) {
        const int64_t from = at * groups * unit, count = std::min(groups * unit, rows - from);
        simd::pack_left(count, k, matrix(a, g.a_stride, g.transpose_a, top + from, first),
                        left.data() + from * k);
        if (rounded) simd::bfloat16_left(count, k, left.data() + from * k);
      });
      // With few blocks of columns the rows are shared out too.
      const int64_t wanted = thread_count() > 1 ? 2 * thread_count() : 1;
      const int64_t parts = std::clamp<int64_t>(wanted / across, 1, blocks_of(rows, unit));
      const int64_t part = blocks_of(blocks_of(rows, unit), parts) * unit;
      parallel_for(across * parts, part * block_columns * k / 8, [&](int64_t at) {
        const int64_t column = at / parts * block_columns, row = at % parts * part;
        if (row >= rows) return;
        const int64_t n = std::min(block_columns, g.n - column);
        float* own = right.data() + right_size * thread_number();
        simd::pack_right(k, n, matrix(b, g.b_stride, g.transpose_b, first, column), own);
        if (rounded) simd::bfloat16_right(k, n, own);
        float* to = c + (top + row) * g.c_stride + column;
        simd::PackedProduct q{
            std::min(part, rows - row), n, k, left.data() + row * k, own, to, g.c_stride};
        if (first > 0 || g.beta != 0)
          q.add = to, q.add_row = g.c_stride;
        else if (bias)
          q.add = bias + column;
        rounded ? simd::bfloat16_product(q) : simd::packed_product(q);
      });
    }
}

}  // namespace

bool packed_supports(DType dtype, const Gemm& g) {
  return dtype == DType::float32 && g.m >= fewest && g.n >= fewest && g.k > 0 &&
         simd::product_tile().rows > 0;
}

void packed_gemm(DType, const Gemm& g, const void* a, const void* b, void* c) {
  multiply(g, a, b, nullptr, static_cast<float*>(c));
}
void packed_gemm_with_bias(const Gemm& g, const void* a, const void* b, const void* bias, void* c) {
  multiply(g, a, b, static_cast<const float*>(bias), static_cast<float*>(c));
}

bool bfloat16_supports(DType dtype, const Gemm& g) {
  // Fewer rows do not pay for rounding the other matrix.
  constexpr int64_t fewest_rows = 16;
  return fpmath() == Fpmath::fast && packed_supports(dtype, g) && simd::has_bfloat16_product() &&
         std::min({g.m, g.n, g.k}) >= fewest_rows;
}

void bfloat16_gemm(DType, const Gemm& g, const void* a, const void* b, void* c) {
  multiply(g, a, b, nullptr, static_cast<float*>(c), true);
}
void bfloat16_gemm_with_bias(const Gemm& g, const void* a, const void* b, const void* bias,
                             void* c) {
  multiply(g, a, b, static_cast<const float*>(bias), static_cast<float*>(c), true);
}

}  // namespace gemel::kernels
