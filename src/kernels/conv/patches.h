// Convolution as matrix products: each sample's patches become the columns of a matrix (im2col).
// float32 and float64 only. `scratch` holds g.patches_size() elements.
#pragma once
#include "base/dtype.h"
#include "kernels/conv/geometry.h"

namespace gemel::kernels {

void patches_convolution(DType dtype, const ConvolutionGeometry& g, const void* data,
                         const void* weight, const void* bias, void* out, void* scratch);
void patches_convolution_data(DType dtype, const ConvolutionGeometry& g, const void* dy,
                              const void* weight, void* dx, void* scratch);
void patches_convolution_weight(DType dtype, const ConvolutionGeometry& g, const void* data,
                                const void* dy, void* dweight, void* scratch);

}  // namespace gemel::kernels
