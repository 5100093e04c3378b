// Pooling by plain loops over the windows of each plane (one channel of one sample).
#pragma once
#include <vector>

#include "base/dtype.h"

namespace gemel {

enum class PoolType { max, avg, lp, sum };

struct PoolingGeometry {
  PoolType type = PoolType::max;
  int power = 2;            // of lp
  bool include_pad = true;  // avg divides by the window's size with its padding
  int64_t planes = 1;
  // Depth, height, width; axes that are missing come first. `pad` is the padding in front.
  int64_t in[3] = {1, 1, 1}, out[3] = {1, 1, 1};
  int64_t kernel[3] = {1, 1, 1}, stride[3] = {1, 1, 1}, pad[3] = {0, 0, 0};

  int64_t in_size() const { return in[0] * in[1] * in[2]; }
  int64_t out_size() const { return out[0] * out[1] * out[2]; }
  int64_t kernel_size() const { return kernel[0] * kernel[1] * kernel[2]; }
};

// How many elements an average divides by, for each window of a plane; at least 1.
std::vector<float> window_divisors(const PoolingGeometry& g);

void pool(DType dtype, const PoolingGeometry& g, const void* data, void* out);
// `data` is read by max and lp. A maximum that occurs more than once gives its gradient to its
// first place.
void pool_backward(DType dtype, const PoolingGeometry& g, const void* dy, const void* data,
                   void* dx);
// Maxima, and for each the number of its first place in its window with padding (`no_place` without
// one): what the backward pass needs, in a byte each. Windows have at most 255 places.
inline constexpr uint8_t no_place = 255;
void pool_with_places(DType dtype, const PoolingGeometry& g, const void* data, void* out,
                      uint8_t* places);
void pool_backward_to_places(DType dtype, const PoolingGeometry& g, const void* dy,
                             const uint8_t* places, void* dx);
// out = the elements of `values` (in the shape of data) where the windows have their maxima.
void pick_maxima(DType dtype, const PoolingGeometry& g, const void* values, const void* data,
                 void* out);

}  // namespace gemel
