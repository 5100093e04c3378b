// Direct convolution over plain layouts for groups of few channels (depthwise ones among them) and
// for inputs of few channels: each channel is copied once into a padded plane, with a plane of its
// own for each residue of the strides, so that every element of the kernel meets all outputs at one
// offset. float32, any kernel, stride, dilation and padding. Results do not depend on the number of
// threads.
#pragma once
#include "kernels/conv/geometry.h"

namespace gemel::kernels {

// `bias` may be null.
void shifted_convolution(const ConvolutionGeometry& g, const float* data, const float* weight,
                         const float* bias, float* out);
void shifted_convolution_data(const ConvolutionGeometry& g, const float* dy, const float* weight,
                              float* dx);
void shifted_convolution_weight(const ConvolutionGeometry& g, const float* data, const float* dy,
                                float* dweight);

}  // namespace gemel::kernels
