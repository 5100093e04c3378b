// oneDNN's convolution. Without the library `serves` is always false.
#pragma once
#include "kernels/conv/geometry.h"
#include "op/op_info.h"

namespace gemel::kernels::onednn {

// How the library wants the weight of one forward problem. Made once for all its calls.
class WeightLayout {
 public:
  virtual ~WeightLayout() = default;
  virtual int64_t bytes() const = 0;
  // From a plain weight.
  virtual void lay_out(const void* weight, void* to) const = 0;
};

struct ConvolutionProblem {
  ConvolutionPass pass;
  ConvolutionGeometry geometry;
  DType dtype;
  bool bias;
  bool rounded = false;  // data and weight to bfloat16, sums are float32
  // The rest is for forward passes alone. `layout`: of the weight, which the caller has prepared
  // and which outlives this; null: plain.
  const WeightLayout* layout = nullptr;
  bool residual = false;  // an input after the others is added to the result
  bool relu = false;      // of all that, last
  // Arrays in blocks of 16 channels (kernels/conv/blocked.h), the residual like the result.
  bool blocked_in = false, blocked_out = false;
};

// With `rounded`: where fpmath() is `fast` and the CPU multiplies bfloat16 faster.
bool serves(const ConvolutionProblem& problem);
// Whether its fast kernels on this CPU take arrays in blocks of 16 channels.
bool has_blocks_of_16();
// Of a forward problem: more than loops for any layout.
bool has_fast_code(const ConvolutionProblem& problem);
std::shared_ptr<const WeightLayout> weight_layout(const ConvolutionProblem& problem);
// Primitives for this problem, with reorders where a blocked layout is worth them.
std::unique_ptr<Prepared> prepare_convolution(const ConvolutionProblem& problem);
// Bytes of scratch; `prepared` may be null.
int64_t convolution_workspace(const ConvolutionProblem& problem, Prepared* prepared);
// Inputs and outputs of `call`: data, weight[, bias][, residual] -> out; dy, weight -> dx; dy, data
// -> dweight[, dbias].
void run_convolution(const ConvolutionProblem& problem, const OpCall& call);

}  // namespace gemel::kernels::onednn
