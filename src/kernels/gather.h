// Rows taken from and added to an array by index.
#pragma once
#include <cstdint>
#include <span>

#include "array/tensor.h"

namespace gemel::kernels {

// out[o][k][:] = in[o][index[k]][:] for o < outer; a row is `row` elements, `length` > 0 the number
// of rows of each o in `in`. Indices are numbers of any dtype (fractions are dropped); those out of
// range are counted round or take the nearest end.
void gather_rows(const Tensor& in, const Tensor& index, bool wrap, int64_t outer, int64_t length,
                 int64_t row, const Tensor& out);

// out = 0, then out[o][index[k]][:] += in[o][k][:], in the order of k whatever the number of
// threads.
void scatter_add_rows(const Tensor& in, std::span<const int64_t> index, int64_t outer,
                      int64_t length, int64_t row, const Tensor& out);

}  // namespace gemel::kernels
