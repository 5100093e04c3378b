// Grouped float32 convolution, kernels of 3 x 3 with stride 1, by Winograd's method F(4x4, 3x3)
// over plain layouts: the tiles of a whole batch are the lanes of vectors, so that groups of few
// channels fill them. Results are the same bits for any number of threads.
//
// False: as for winograd_convolution, the caller computes the whole by another method.
#pragma once
#include "kernels/conv/geometry.h"

namespace gemel::kernels {

// Whether these kernels serve the convolution on this CPU.
bool winograd_groups_serves(const ConvolutionGeometry& g);
// The share of the lanes of vectors, and of the elements of tiles, that are in the result.
double winograd_groups_fill(const ConvolutionGeometry& g, ConvolutionPass pass);

// `bias` may be null.
bool winograd_groups_convolution(const ConvolutionGeometry& g, const float* data,
                                 const float* weight, const float* bias, float* out);
bool winograd_groups_data(const ConvolutionGeometry& g, const float* dy, const float* weight,
                          float* dx);
bool winograd_groups_weight(const ConvolutionGeometry& g, const float* data, const float* dy,
                            float* dweight);

}  // namespace gemel::kernels
