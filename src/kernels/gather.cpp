#include "kernels/gather.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "kernels/parallel.h"
#include "kernels/reducers.h"

namespace gemel::kernels {

namespace {

template <typename T>
void gather_elements(const Tensor& in, std::span<const int64_t> index, int64_t outer,
                     int64_t length, const Tensor& out) {
  const T* from = in.data<T>();
  T* to = out.data<T>();
  const int64_t n = static_cast<int64_t>(index.size());
  parallel_for(outer, n, [&](int64_t o) {
    for (int64_t k = 0; k < n; ++k)
      to[o * n + k] = from[o * length + index[static_cast<size_t>(k)]];
  });
}

// Columns are split over threads, so that each element is added up by one of them in order. Halves
// are summed in float and rounded once.
template <typename T>
void scatter_add(const Tensor& in, std::span<const int64_t> index, int64_t outer, int64_t length,
                 int64_t row, const Tensor& out) {
  using A = compute_type<T>;
  constexpr int64_t block = 256;
  const int64_t n = static_cast<int64_t>(index.size()), blocks = (row + block - 1) / block;
  parallel_for(outer * blocks, (n + length) * std::min(row, block), [&](int64_t task) {
    const int64_t o = task / blocks, column = task % blocks * block,
                  width = std::min(block, row - column);
    const T* from = in.data<T>() + o * n * row + column;
    T* to = out.data<T>() + o * length * row + column;
    std::vector<A> totals;
    A* sum;
    int64_t step;
    if constexpr (std::is_same_v<A, T>) {
      sum = to;
      step = row;
      for (int64_t i = 0; i < length; ++i) std::fill_n(to + i * row, width, T(0));
    } else {
      totals.assign(static_cast<size_t>(length * width), A(0));
      sum = totals.data();
      step = width;
    }
    for (int64_t k = 0; k < n; ++k) {
      A* at = sum + index[static_cast<size_t>(k)] * step;
      for (int64_t j = 0; j < width; ++j)
        at[j] = wrapping_add(at[j], static_cast<A>(from[k * row + j]));
    }
    if constexpr (!std::is_same_v<A, T>)
      for (int64_t i = 0; i < length; ++i)
        for (int64_t j = 0; j < width; ++j) to[i * row + j] = static_cast<T>(sum[i * width + j]);
  });
}

}  // namespace

void gather_rows(const Tensor& in, std::span<const int64_t> index, int64_t outer, int64_t length,
                 int64_t row, const Tensor& out) {
  const int64_t width = size_of(in.dtype), n = static_cast<int64_t>(index.size()),
                bytes = row * width;
  if (out.size() == 0) return;
  if (row == 1) {
    switch (width) {
      case 1:
        return gather_elements<uint8_t>(in, index, outer, length, out);
      case 2:
        return gather_elements<uint16_t>(in, index, outer, length, out);
      case 4:
        return gather_elements<uint32_t>(in, index, outer, length, out);
      default:
        return gather_elements<uint64_t>(in, index, outer, length, out);
    }
  }
  parallel_for(outer * n, row, [&](int64_t k) {
    const int64_t from = k / n * length + index[static_cast<size_t>(k % n)];
    std::memcpy(out.address + k * bytes, in.address + from * bytes, static_cast<size_t>(bytes));
  });
}

void scatter_add_rows(const Tensor& in, std::span<const int64_t> index, int64_t outer,
                      int64_t length, int64_t row, const Tensor& out) {
  dispatch(out.dtype,
           [&]<typename T>(Type<T>) { scatter_add<T>(in, index, outer, length, row, out); });
}

}  // namespace gemel::kernels
