// Convolution by plain loops over every element, for all floating types: the judge of fast kernels.
#pragma once
#include "base/dtype.h"
#include "kernels/conv/geometry.h"

namespace gemel::kernels {

// `bias` may be null.
void direct_convolution(DType dtype, const ConvolutionGeometry& g, const void* data,
                        const void* weight, const void* bias, void* out);
void direct_convolution_data(DType dtype, const ConvolutionGeometry& g, const void* dy,
                             const void* weight, void* dx);
void direct_convolution_weight(DType dtype, const ConvolutionGeometry& g, const void* data,
                               const void* dy, void* dweight);
// Sums dy over batch and space.
void convolution_bias(DType dtype, const ConvolutionGeometry& g, const void* dy, void* dbias);

}  // namespace gemel::kernels
