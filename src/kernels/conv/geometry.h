// The sizes of a convolution over one to three spatial axes. Arrays are laid out as batch, channel,
// depth, height, width; axes that are missing come first and have size 1.
#pragma once
#include <cstdint>

namespace gemel::kernels {

// What a kernel computes: the output, or the gradient of the data or of the weight.
enum class ConvolutionPass { forward, data, weight };

struct ConvolutionGeometry {
  int axes = 2;  // spatial axes that exist
  int64_t batch = 1, groups = 1;
  int64_t in_channels = 1, out_channels = 1;  // of all groups together
  int64_t in[3] = {1, 1, 1}, out[3] = {1, 1, 1};
  int64_t kernel[3] = {1, 1, 1}, stride[3] = {1, 1, 1}, dilate[3] = {1, 1, 1}, pad[3] = {0, 0, 0};

  int64_t group_in() const { return in_channels / groups; }
  int64_t group_out() const { return out_channels / groups; }
  int64_t in_size() const { return in[0] * in[1] * in[2]; }
  int64_t out_size() const { return out[0] * out[1] * out[2]; }
  int64_t kernel_size() const { return kernel[0] * kernel[1] * kernel[2]; }
  // A kernel of size 1 that visits every element: the input itself is the matrix of its patches.
  bool pointwise() const {
    return kernel_size() == 1 && stride[0] * stride[1] * stride[2] == 1 &&
           pad[0] + pad[1] + pad[2] == 0;
  }
  // Elements of the matrix of patches of one group of one sample.
  int64_t patches_size() const { return pointwise() ? 0 : group_in() * kernel_size() * out_size(); }
};

}  // namespace gemel::kernels
