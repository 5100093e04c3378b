#include "kernels/gather.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <vector>

#include "kernels/parallel.h"
#include "kernels/reducers.h"
#include "simd/convert.h"
#include "simd/gather_loops.h"

namespace gemel::kernels {

namespace {

constexpr int64_t index_block = 512;

int64_t in_range(int64_t i, int64_t length, bool wrap) {
  if (static_cast<uint64_t>(i) < static_cast<uint64_t>(length)) [[likely]]
    return i;
  return wrap ? (i % length + length) % length : std::clamp<int64_t>(i, 0, length - 1);
}

// Elements of four bytes by indices of the two common dtypes.
template <typename Index>
void gather_elements(const Tensor& in, const Tensor& index, int64_t outer, int64_t length,
                     const Tensor& out) {
  constexpr int64_t block = 1 << 14;
  const int64_t n = index.size(), blocks = (n + block - 1) / block;
  parallel_for(outer * blocks, std::min(n, block), [&](int64_t task) {
    const int64_t o = task / blocks, first = task % blocks * block;
    simd::gather_clipped(in.data<uint32_t>() + o * length, static_cast<int32_t>(length),
                         index.data<Index>() + first, out.data<uint32_t>() + o * n + first,
                         static_cast<size_t>(std::min(block, n - first)));
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

void gather_rows(const Tensor& in, const Tensor& index, bool wrap, int64_t outer, int64_t length,
                 int64_t row, const Tensor& out) {
  const int64_t width = size_of(in.dtype), n = index.size(), bytes = row * width;
  if (out.size() == 0) return;
  if (bytes == 4 && !wrap && length <= std::numeric_limits<int32_t>::max()) {
    if (index.dtype == DType::int32) return gather_elements<int32_t>(in, index, outer, length, out);
    if (index.dtype == DType::float32) return gather_elements<float>(in, index, outer, length, out);
  }
  const auto load = simd::load_function<int64_t>(index.dtype);
  const int64_t blocks = (n + index_block - 1) / index_block;
  parallel_for(outer * blocks, std::min(n, index_block) * row, [&](int64_t task) {
    const int64_t o = task / blocks, first = task % blocks * index_block,
                  count = std::min(index_block, n - first);
    int64_t at[index_block];
    load(index.address + first * size_of(index.dtype), at, static_cast<size_t>(count));
    const std::byte* from = in.address + o * length * bytes;
    std::byte* to = out.address + (o * n + first) * bytes;
    const auto elements = [&]<typename T>(T) {
      const T* source = reinterpret_cast<const T*>(from);
      T* target = reinterpret_cast<T*>(to);
      for (int64_t k = 0; k < count; ++k) target[k] = source[in_range(at[k], length, wrap)];
    };
    if (bytes == 1) return elements(uint8_t{});
    if (bytes == 2) return elements(uint16_t{});
    if (bytes == 4) return elements(uint32_t{});
    if (bytes == 8) return elements(uint64_t{});
    for (int64_t k = 0; k < count; ++k)
      std::memcpy(to + k * bytes, from + in_range(at[k], length, wrap) * bytes,
                  static_cast<size_t>(bytes));
  });
}

void scatter_add_rows(const Tensor& in, std::span<const int64_t> index, int64_t outer,
                      int64_t length, int64_t row, const Tensor& out) {
  dispatch(out.dtype,
           [&]<typename T>(Type<T>) { scatter_add<T>(in, index, outer, length, row, out); });
}

}  // namespace gemel::kernels
