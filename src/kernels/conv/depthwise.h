// Depthwise convolution (groups of one channel and one filter) with square kernels of size 3 and 5
// and strides 1 and 2, over plain layouts: memory passes by once. float32. Results do not depend on
// the number of threads.
#pragma once
#include "kernels/conv/geometry.h"

namespace gemel::kernels {

// Whether the functions below serve the convolution on this CPU.
bool depthwise_serves(const ConvolutionGeometry& g);

// `bias` may be null.
void depthwise_convolution(const ConvolutionGeometry& g, const float* data, const float* weight,
                           const float* bias, float* out);
void depthwise_convolution_data(const ConvolutionGeometry& g, const float* dy, const float* weight,
                                float* dx);
void depthwise_convolution_weight(const ConvolutionGeometry& g, const float* data, const float* dy,
                                  float* dweight);

}  // namespace gemel::kernels
