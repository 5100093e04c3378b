#include "ops/nn/pooling/blocked.h"

#include <algorithm>
#include <vector>

#include "kernels/parallel.h"
#include "simd/pool_blocks.h"

namespace gemel {

void pool_blocked(const PoolingGeometry& g, const float* data, float* out) {
  constexpr int64_t block = 16;
  const auto columns = static_cast<size_t>(g.out[2]);
  std::vector<int64_t> first(columns), last(columns);
  for (size_t i = 0; i < columns; ++i) {
    const int64_t start = static_cast<int64_t>(i) * g.stride[2] - g.pad[2];
    first[i] = std::max<int64_t>(start, 0);
    last[i] = std::min(start + g.kernel[2], g.in[2]);
  }
  std::vector<float> divisors;
  if (g.type == PoolType::avg) divisors = window_divisors(g);
  kernels::parallel_for(g.planes * g.out[1], g.out[2] * g.kernel_size() * block, [&](int64_t i) {
    const int64_t plane = i / g.out[1], line = i % g.out[1];
    const int64_t start = line * g.stride[1] - g.pad[1], top = std::max<int64_t>(start, 0);
    const simd::WindowRow row{
        .image = data + (plane * g.in[1] + top) * g.in[2] * block,
        .line = g.in[2] * block,
        .rows = std::max<int64_t>(std::min(start + g.kernel[1], g.in[1]) - top, 0),
        .count = g.out[2],
        .first = first.data(),
        .last = last.data(),
        .out = out + i * g.out[2] * block};
    if (g.type == PoolType::max) return simd::pool_block_maxima(row);
    simd::pool_block_sums(row, divisors.empty() ? nullptr : divisors.data() + line * g.out[2]);
  });
}

}  // namespace gemel
