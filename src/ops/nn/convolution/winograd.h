// Winograd's method as an implementation of Convolution and of its gradients. It stands before the
// exact ones in their lists, takes float32 where it is faster, unless the setting `fpmath` is
// "exact", and hands a call whose result is not finite, or near the limits of float32, to the next
// implementation of the list.
#pragma once
#include "kernels/conv/winograd.h"
#include "op/op_info.h"
#include "ops/nn/convolution/parameters.h"

namespace gemel::convolution_op {

// Inputs and outputs as the operators have them: data, weight[, bias] -> out; dy, weight, data ->
// dx; dy, data -> dweight[, dbias]. The operator's parameters are ConvolutionParameters.
Implementation winograd(ConvolutionGeometryOf geometry, kernels::ConvolutionPass pass);
// The same for groups of few channels.
Implementation winograd_groups(ConvolutionGeometryOf geometry, kernels::ConvolutionPass pass);

// Where the method was measured to be faster than direct convolution.
bool winograd_pays(const kernels::WinogradSchedule& s);

// Computes a call by the first implementation after Winograd's that takes it.
void exact_convolution(OpCall call);

}  // namespace gemel::convolution_op
