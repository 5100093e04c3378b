// Depthwise convolution of one plane by vectors along its rows, straight from and to plain layouts,
// for square kernels of size 3 and 5 with strides 1 and 2.
#pragma once
#include <cstdint>

namespace gemel::simd {

struct DepthwisePlane {
  int64_t in[2] = {1, 1}, out[2] = {1, 1}, pad[2] = {0, 0};  // of height and width
  int64_t kernel = 3, stride = 1;
};
// Whether this CPU has vectors that can be masked, and the sizes are among those above.
bool depthwise_serves(const DepthwisePlane& plane);

struct DepthwiseLoops {
  // Of `planes` of them, one after another, each with a weight of its own (kernel x kernel, by
  // rows) and a bias, where that is not null.
  void (*forward)(const DepthwisePlane& plane, int64_t planes, const float* x, const float* weight,
                  const float* bias, float* out);
  // dx of stride 2; that of stride 1 is a forward pass with the weight turned.
  void (*gradient)(const DepthwisePlane& plane, const float* dy, const float* weight, float* dx);
  // dweight, of so many images whose planes lie x_image and dy_image elements apart.
  void (*weight)(const DepthwisePlane& plane, int64_t images, const float* x, int64_t x_image,
                 const float* dy, int64_t dy_image, float* dweight);
};

// Safe from any thread.
const DepthwiseLoops& depthwise_loops();

}  // namespace gemel::simd
