// Our direct convolutions of few channels over plain layouts as implementations of Convolution and
// of its gradients: `depthwise` and `shifted`, float32.
#pragma once
#include "kernels/conv/geometry.h"
#include "op/op_info.h"
#include "ops/nn/convolution/parameters.h"

namespace gemel::convolution_op {

// Inputs and outputs as the operators have them: data, weight[, bias] -> out; dy, weight, data ->
// dx; dy, data -> dweight[, dbias].
Implementation depthwise(ConvolutionGeometryOf geometry, kernels::ConvolutionPass pass);
Implementation shifted(ConvolutionGeometryOf geometry, kernels::ConvolutionPass pass);

// Whether a library whose weight was prepared may be faster than what Convolution has for groups
// and inputs of few channels.
bool preparing_pays(const kernels::ConvolutionGeometry& g);

}  // namespace gemel::convolution_op
