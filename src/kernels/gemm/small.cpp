// Products of a mini-batch with a layer's weight and the like: in simd/, without a library.
#include "kernels/gemm/gemm.h"
#include "kernels/gemm/scratch.h"
#include "simd/small_product.h"

namespace gemel::kernels {
namespace {

// Multiplications above which a library's packing and threads pay.
constexpr int64_t most_multiplications = int64_t{1} << 22;

}  // namespace

bool small_supports(DType dtype, const Gemm& g) {
  if (dtype != DType::float32 || (g.transpose_a && g.transpose_b)) return false;
  if (g.m <= 0 || g.n <= 0 || g.k <= 0) return false;
  return g.m <= most_multiplications / g.n && g.m * g.n <= most_multiplications / g.k;
}

void small_gemm(DType, const Gemm& g, const void* a_data, const void* b_data, void* c_data) {
  const auto* a = static_cast<const float*>(a_data);
  const auto* b = static_cast<const float*>(b_data);
  auto* c = static_cast<float*>(c_data);
  const bool adds = g.beta != 0;
  simd::SmallProduct q{g.m, g.n, g.k, a, g.a_stride, 1, b, g.b_stride, c, g.c_stride, adds};
  if (g.transpose_a) q.a_row = 1, q.a_step = g.a_stride;
  if (!g.transpose_b) return simd::small_product(q);
  // One operand must be turned: B, or A with the result, whichever is less to move.
  if (g.n * g.k <= g.m * (g.k + g.n)) {
    const FloatScratch turned(g.k * g.n);
    simd::small_transpose(g.n, g.k, b, g.b_stride, turned.data(), g.n, false);
    q.b = turned.data(), q.b_row = g.n;
    return simd::small_product(q);
  }
  const FloatScratch scratch(g.m * (g.k + g.n));
  float* turned = scratch.data();
  float* result = turned + g.m * g.k;
  simd::small_transpose(g.m, g.k, a, g.a_stride, turned, g.m, false);
  simd::small_product({g.n, g.m, g.k, b, g.b_stride, 1, turned, g.m, result, g.m, false});
  simd::small_transpose(g.n, g.m, result, g.m, c, g.c_stride, adds);
}

}  // namespace gemel::kernels
