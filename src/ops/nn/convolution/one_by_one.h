// Kernels of size 1 as products, as an implementation of Convolution and of its gradients: float32
// over plain layouts, where oneDNN would lay data out anew in every call.
#pragma once
#include "kernels/conv/one_by_one.h"
#include "op/op_info.h"
#include "ops/nn/convolution/parameters.h"

namespace gemel::convolution_op {

// Inputs and outputs as the operators have them: data, weight[, bias] -> out; dy, weight, data ->
// dx; dy, data -> dweight[, dbias].
Implementation one_by_one(ConvolutionGeometryOf geometry, kernels::ConvolutionPass pass,
                          bool rounded = false);

}  // namespace gemel::convolution_op
