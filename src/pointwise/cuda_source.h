// CUDA source of pointwise expressions: one kernel that computes any number of outputs in one pass.
// It includes device/cuda/include/kernel.h (device/cuda/headers.h has the texts that NVRTC needs)
// and rounds as the CPU's Program does.
#pragma once
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/dtype.h"
#include "pointwise/expr.h"

namespace gemel::pointwise {

struct CudaKernel {
  std::string name;             // of the extern "C" function
  std::vector<DType> inputs;    // element type of each input
  std::vector<DType> outputs;   // and of each output
  DType compute = DType::none;  // float32, float64, int64 or uint64; none: as Program::run chooses
  // True: inputs lie under a Layout (broadcasting, strides). False: all are contiguous, equal in
  // shape.
  bool layout = false;
};

// The parameters of the kernel are the inputs' addresses, the outputs' addresses, then Scalars<n>
// if the expressions have scalars, Layout<inputs> if asked for, and the number of elements (long
// long). Any grid of one-dimensional blocks computes all elements.
GEMEL_EXPORT std::string cuda_source(const CudaKernel& kernel, std::span<const Expr> outputs);

// "float", "gemel::float16", "long long", ...: the name of an element type in device code.
GEMEL_EXPORT std::string_view cuda_type(DType dtype);
// The type that Program::run computes in for arrays of these types.
GEMEL_EXPORT DType compute_type_of(std::span<const DType> arrays);

// The statements that compute expressions from the values x0, x1, ... in type T, for use inside
// a kernel. Returns the names of the results; appends the text to `body`.
std::vector<std::string> cuda_statements(std::span<const Expr> outputs, std::string& body);

}  // namespace gemel::pointwise
