// CUDA source of reductions, with the same reducers as the CPU's (kernels/reducers.h).
#pragma once
#include <string>

#include "kernels/reduction.h"
#include "pointwise/cuda_source.h"

namespace gemel::kernels {

struct CudaReduce {
  std::string name;  // of the extern "C" function
  Reduction kind = Reduction::sum;
  std::vector<DType> inputs;  // element types
  DType output = DType::float32;
  pointwise::Expr map = pointwise::input(0);  // what is reduced, of one element of every input
  DType compute = DType::none;                // none: as for pointwise kernels
};

// One block computes one output at a time: its threads reduce every blockDim.x-th element each,
// then pairs of threads in a fixed order, so that the result depends on the block's size (a power
// of two, at most 1024) and on nothing else. float32 is summed in float64.
//
// The parameters of the kernel are the inputs' addresses, the output's address, Scalars<n> if the
// map has scalars, two Layout<inputs> (of the axes that stay, and of those that are reduced), the
// number of outputs and the number of elements for each output (long long).
GEMEL_EXPORT std::string cuda_reduce_source(const CudaReduce& kernel);

}  // namespace gemel::kernels
