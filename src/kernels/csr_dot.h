// Products of a csr matrix and a dense one, row by row, for host memory.
#pragma once
#include "array/tensor.h"
#include "base/export.h"

namespace gemel::kernels {

// out (rows, n) = matrix (rows, columns) * right (columns, n), or with `transpose` out (columns, n)
// = matrix^T * right (rows, n). One floating type; indices and indptr int64, already checked.
GEMEL_EXPORT void csr_dot(const Tensor& data, const Tensor& indices, const Tensor& indptr,
                          const Tensor& right, bool transpose, const Tensor& out);

}  // namespace gemel::kernels
