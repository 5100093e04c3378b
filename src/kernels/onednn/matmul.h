// oneDNN's matrix product, for products large enough to pay for the call. Without the library
// `serves` is always false.
#pragma once
#include "kernels/gemm/gemm.h"
#include "op/op_info.h"

namespace gemel::kernels::onednn {

struct MatmulProblem {
  Gemm gemm;  // beta is 0
  DType dtype;
  int a, b;       // which inputs of the call they are; the product is its first output
  int bias = -1;  // input that is added to every row; -1: none
};

bool serves(const MatmulProblem& problem);
std::unique_ptr<Prepared> prepare_matmul(const MatmulProblem& problem);
int64_t matmul_workspace(const MatmulProblem& problem, Prepared* prepared);
void run_matmul(const MatmulProblem& problem, const OpCall& call);

}  // namespace gemel::kernels::onednn
