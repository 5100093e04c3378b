// The order of elements along rows.
#pragma once
#include <cstdint>
#include <functional>
#include <span>

#include "array/tensor.h"

namespace gemel::kernels {

// For each row along `axis`, the positions of its first `k` elements in ascending or descending
// order; equal elements keep their order, NaN comes last. Calls f(outer, inner, positions) from
// several threads, once for each row.
void order_rows(
    const Tensor& in, int axis, int64_t k, bool ascending,
    const std::function<void(int64_t outer, int64_t inner, std::span<const int64_t>)>& f);

// Writes the elements of each row along `axis` in order, NaN last; `out` has the shape and dtype of
// `in`. False, and nothing is done, for a dtype that has no sort of its own.
bool sort_rows(const Tensor& in, int axis, bool ascending, const Tensor& out);

}  // namespace gemel::kernels
