// Few rows times a transposed matrix, bound by the speed at which that passes by.
#include <algorithm>

#include "kernels/gemm/gemm.h"
#include "kernels/gemm/scratch.h"
#include "kernels/parallel.h"
#include "simd/thin_product.h"

namespace gemel::kernels {
namespace {

// From more rows on, laying the matrix out pays, and with shorter rows sums across vectors cost
// more than their products.
constexpr int64_t most_rows = 64, shortest = 64;
// The direct product is as fast for more than a few rows while the matrix stays in a cache.
constexpr int64_t few_rows = 8, cached = 1 << 18;

}  // namespace

bool thin_supports(DType dtype, const Gemm& g) {
  return dtype == DType::float32 && !g.transpose_a && g.transpose_b && g.m > 0 && g.n > 0 &&
         g.k >= shortest && (g.m <= few_rows || (g.m <= most_rows && g.n > cached / g.k));
}

void thin_gemm(DType, const Gemm& g, const void* a, const void* b, void* c) {
  const FloatScratch left(simd::thin_left_size(g.m, g.k));
  simd::thin_left(g.m, g.k, static_cast<const float*>(a), g.a_stride, left.data());
  const int64_t scratch = simd::thin_scratch_size(g.m);
  const FloatScratch sums(scratch * thread_count());
  constexpr int64_t columns = 96;
  parallel_for((g.n + columns - 1) / columns, columns * g.k * g.m / 4, [&](int64_t i) {
    const int64_t first = i * columns;
    simd::thin_product({g.m, std::min(columns, g.n - first), g.k, left.data(),
                        static_cast<const float*>(b) + first * g.b_stride, g.b_stride,
                        static_cast<float*>(c) + first, g.c_stride, g.beta != 0,
                        sums.data() + scratch * thread_number()});
  });
}

}  // namespace gemel::kernels
