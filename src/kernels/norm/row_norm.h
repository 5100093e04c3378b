// Normalisation of rows to mean 0 and deviation 1, then scale and shift: what LayerNorm, GroupNorm
// and InstanceNorm have in common. All floating types; halves are computed in float.
#pragma once
#include <cstdint>

#include "base/dtype.h"

namespace gemel::kernels {

// The array is outer x count x inner; a row has `count` elements that lie `inner` apart, and there
// are outer * inner rows. gamma and beta hold one factor for each of the `count` elements, or
// (`period` > 0) one for each row, of which row r takes number r % period.
struct RowNorm {
  DType dtype = DType::float32;
  int64_t outer = 1, count = 1, inner = 1;
  int64_t period = 0;
  double eps = 0;

  int64_t rows() const { return outer * inner; }
  int64_t factors() const { return period > 0 ? period : count; }
};

// Arrays of the row's type: out like data, mean and deviation (sqrt(variance + eps)) one a row.
void row_norm(const RowNorm& g, const void* data, const void* gamma, const void* beta, void* out,
              void* mean, void* deviation);
// Computes the statistics again: the row has to be read anyway. dx may be dy.
void row_norm_backward(const RowNorm& g, const void* dy, const void* data, const void* gamma,
                       void* dx, void* dgamma, void* dbeta);

}  // namespace gemel::kernels
