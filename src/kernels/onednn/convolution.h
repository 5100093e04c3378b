// oneDNN's convolution. Without the library `serves` is always false.
#pragma once
#include "kernels/conv/geometry.h"
#include "op/op_info.h"

namespace gemel::kernels::onednn {

enum class Pass { forward, data, weight };

struct ConvolutionProblem {
  Pass pass;
  ConvolutionGeometry geometry;
  DType dtype;
  bool bias;
  bool rounded = false;  // data and weight to bfloat16, sums are float32
};

// With `rounded`: where fpmath() is `fast` and the CPU multiplies bfloat16 faster.
bool serves(const ConvolutionProblem& problem);
// Primitives for this problem, with reorders where a blocked layout is worth them.
std::unique_ptr<Prepared> prepare_convolution(const ConvolutionProblem& problem);
// Bytes of scratch; `prepared` may be null.
int64_t convolution_workspace(const ConvolutionProblem& problem, Prepared* prepared);
// Inputs and outputs of `call`: data, weight[, bias] -> out; dy, weight -> dx; dy, data ->
// dweight[, dbias].
void run_convolution(const ConvolutionProblem& problem, const OpCall& call);

}  // namespace gemel::kernels::onednn
