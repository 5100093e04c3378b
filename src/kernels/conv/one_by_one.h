// Convolution with kernels of size 1, of any stride, as products over plain layouts: the weight is
// laid out once for all images, and small images are joined so that tiles are full. float32,
// without padding and groups. Results do not depend on the number of threads.
#pragma once
#include "kernels/conv/geometry.h"

namespace gemel::kernels {

// Whether these kernels serve the convolution on this CPU.
bool one_by_one_serves(const ConvolutionGeometry& g, ConvolutionPass pass);
// Bytes of scratch memory (64-byte aligned) with so many threads.
int64_t one_by_one_workspace(const ConvolutionGeometry& g, ConvolutionPass pass, int threads);

// `bias` may be null. `rounded`: the operands become bfloat16, where the CPU multiplies that.
void one_by_one_convolution(const ConvolutionGeometry& g, const float* data, const float* weight,
                            const float* bias, float* out, float* scratch, int threads,
                            bool rounded = false);
void one_by_one_data(const ConvolutionGeometry& g, const float* dy, const float* weight, float* dx,
                     float* scratch, int threads, bool rounded = false);
void one_by_one_weight(const ConvolutionGeometry& g, const float* data, const float* dy,
                       float* dweight, float* scratch, int threads, bool rounded = false);

}  // namespace gemel::kernels
