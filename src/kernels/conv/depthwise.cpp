#include "kernels/conv/depthwise.h"

#include <algorithm>

#include "kernels/parallel.h"
#include "simd/depthwise.h"

namespace gemel::kernels {
namespace {

simd::DepthwisePlane plane_of(const ConvolutionGeometry& g) {
  simd::DepthwisePlane p;
  for (int a = 0; a < 2; ++a)
    p.in[a] = g.in[a + 1], p.out[a] = g.out[a + 1], p.pad[a] = g.pad[a + 1];
  p.kernel = g.kernel[2], p.stride = g.stride[2];
  return p;
}

// Planes that one thread takes at a time.
constexpr int64_t planes_together = 8;

// Calls f(first plane, how many, their first channel) for planes of one image.
template <typename F>
void each_plane(const ConvolutionGeometry& g, F&& f) {
  const int64_t blocks = (g.groups + planes_together - 1) / planes_together;
  parallel_for(
      g.batch * blocks, planes_together * g.out_size() * g.kernel_size() / 4, [&](int64_t i) {
        const int64_t channel = i % blocks * planes_together;
        f(i / blocks * g.groups + channel, std::min(planes_together, g.groups - channel), channel);
      });
}

}  // namespace

bool depthwise_serves(const ConvolutionGeometry& g) {
  const bool square = g.kernel[1] == g.kernel[2] && g.stride[1] == g.stride[2];
  const bool flat = g.in[0] == 1 && g.kernel[0] == 1 && g.stride[0] == 1 && g.pad[0] == 0;
  return g.groups > 1 && g.group_in() == 1 && g.group_out() == 1 && flat && square &&
         g.dilate[1] == 1 && g.dilate[2] == 1 && std::max(g.pad[1], g.pad[2]) < g.kernel[1] &&
         simd::depthwise_serves(plane_of(g));
}

void depthwise_convolution(const ConvolutionGeometry& g, const float* data, const float* weight,
                           const float* bias, float* out) {
  const simd::DepthwisePlane plane = plane_of(g);
  each_plane(g, [&](int64_t first, int64_t count, int64_t channel) {
    simd::depthwise_loops().forward(plane, count, data + first * g.in_size(),
                                    weight + channel * g.kernel_size(),
                                    bias ? bias + channel : nullptr, out + first * g.out_size());
  });
}

void depthwise_convolution_data(const ConvolutionGeometry& g, const float* dy, const float* weight,
                                float* dx) {
  simd::DepthwisePlane plane = plane_of(g);
  if (plane.stride == 2)
    return each_plane(g, [&](int64_t first, int64_t count, int64_t channel) {
      for (int64_t i = 0; i < count; ++i)
        simd::depthwise_loops().gradient(plane, dy + (first + i) * g.out_size(),
                                         weight + (channel + i) * g.kernel_size(),
                                         dx + (first + i) * g.in_size());
    });
  // The forward pass over dy, with the weight turned and what is left of the kernel as padding.
  for (int a = 0; a < 2; ++a) {
    std::swap(plane.in[a], plane.out[a]);
    plane.pad[a] = plane.kernel - 1 - plane.pad[a];
  }
  each_plane(g, [&](int64_t first, int64_t count, int64_t channel) {
    float turned[planes_together * 25];
    const int64_t size = g.kernel_size();
    for (int64_t i = 0; i < count; ++i)
      std::reverse_copy(weight + (channel + i) * size, weight + (channel + i + 1) * size,
                        turned + i * size);
    simd::depthwise_loops().forward(plane, count, dy + first * g.out_size(), turned, nullptr,
                                    dx + first * g.in_size());
  });
}

void depthwise_convolution_weight(const ConvolutionGeometry& g, const float* data, const float* dy,
                                  float* dweight) {
  const simd::DepthwisePlane plane = plane_of(g);
  parallel_for(g.groups, g.batch * g.out_size() * g.kernel_size() / 4, [&](int64_t channel) {
    simd::depthwise_loops().weight(plane, g.batch, data + channel * g.in_size(),
                                   g.groups * g.in_size(), dy + channel * g.out_size(),
                                   g.groups * g.out_size(), dweight + channel * g.kernel_size());
  });
}

}  // namespace gemel::kernels
