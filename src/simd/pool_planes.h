// Pooling of float planes (one channel of one sample) by vectors along their rows, chosen once for
// the CPU at hand.
#pragma once
#include <cstdint>

namespace gemel::simd {

// Sizes along depth, height and width; axes that are missing come first and have size 1. `pad` is
// the padding in front.
struct PoolSizes {
  int64_t in[3] = {1, 1, 1}, out[3] = {1, 1, 1};
  int64_t kernel[3] = {1, 1, 1}, stride[3] = {1, 1, 1}, pad[3] = {0, 0, 0};
  int64_t in_size() const { return in[0] * in[1] * in[2]; }
  int64_t out_size() const { return out[0] * out[1] * out[2]; }
};

// Bytes of scratch, aligned to 64, that any of the loops below needs.
int64_t pool_scratch(const PoolSizes& sizes);

// Planes lie one after another. In each window, NaN and padding are never the largest; without any
// other number the result is the lowest one.
struct PoolLoops {
  void (*largest)(const PoolSizes& sizes, int64_t planes, const float* x, float* out,
                  void* scratch);
  // places: the number of the first largest in its window with padding, or 255 where there is none;
  // windows have at most 255 places.
  void (*first_largest)(const PoolSizes& sizes, int64_t planes, const float* x, float* out,
                        uint8_t* places, void* scratch);
  // Sums; with `divisors` (one for each window of a plane) the quotients.
  void (*sums)(const PoolSizes& sizes, int64_t planes, const float* x, const float* divisors,
               float* out, void* scratch);
  // dx: what the windows that an element is in give to it, added in their order. Each gives dy to
  // its place, or, with null for `places`, to all of its elements dy or its part of the divisor;
  // the latter with strides of 1 and 2 along the width.
  void (*gradient)(const PoolSizes& sizes, int64_t planes, const float* dy, const uint8_t* places,
                   const float* divisors, float* dx, void* scratch);
};

// Safe from any thread.
const PoolLoops& pool_loops();

}  // namespace gemel::simd
