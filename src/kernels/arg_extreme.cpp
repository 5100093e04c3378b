#include <algorithm>
#include <limits>

#include "kernels/parallel.h"
#include "kernels/reduce.h"
#include "simd/convert.h"
#include "simd/reduce_loops.h"

namespace gemel::kernels {

namespace {

template <typename L>
bool better(bool largest, L candidate, L best) {
  if (best != best) return false;
  return candidate != candidate || (largest ? candidate > best : candidate < best);
}

// A block of neighbouring columns at a time, so that memory is read in order.
template <typename L>
void arg_extreme_typed(bool largest, const Tensor& in, int axis, const Tensor& out) {
  constexpr int64_t block = 128;
  const int64_t outer = in.shape.size(0, axis), length = in.shape[axis],
                inner = in.shape.size(axis + 1, in.shape.ndim());
  const int64_t blocks = (inner + block - 1) / block;
  const simd::Load<L> load = simd::load_function<L>(in.dtype);
  const simd::Store<double> store = simd::store_function<double>(out.dtype);
  const int64_t width = size_of(in.dtype);
  parallel_for(outer * blocks, length * std::min(inner, block), [&](int64_t k) {
    const int64_t o = k / blocks, column = k % blocks * block, n = std::min(block, inner - column);
    L best[block], row[block];
    double index[block];
    for (int64_t i = 0; i < length; ++i) {
      load(in.address + ((o * length + i) * inner + column) * width, row, static_cast<size_t>(n));
      for (int64_t j = 0; j < n; ++j)
        if (i == 0 || better(largest, row[j], best[j])) {
          best[j] = row[j];
          index[j] = static_cast<double>(i);
        }
    }
    store(index, out.address + (o * inner + column) * size_of(out.dtype), static_cast<size_t>(n));
  });
}

// The same in vectors, for elements that need no conversion.
template <typename L>
void arg_extreme_columns(bool largest, const Tensor& in, int axis, const Tensor& out) {
  constexpr int64_t block = 1024, together = 8;
  const int64_t outer = in.shape.size(0, axis), length = in.shape[axis],
                inner = in.shape.size(axis + 1, in.shape.ndim());
  const int64_t blocks = (inner + block - 1) / block;
  const auto search = simd::reduce_loops<L>().extreme_rows[largest];
  const simd::Store<double> store = simd::store_function<double>(out.dtype);
  parallel_for(outer * blocks, length * std::min(inner, block), [&](int64_t k) {
    const int64_t o = k / blocks, column = k % blocks * block, n = std::min(block, inner - column);
    const L* x = in.data<L>() + o * length * inner + column;
    L best[block];
    simd::IndexOf<L> index[block] = {};
    std::copy_n(x, n, best);
    for (int64_t i = 1; i < length; i += together)
      search(x + i * inner, static_cast<size_t>(inner),
             static_cast<size_t>(std::min(together, length - i)), static_cast<simd::IndexOf<L>>(i),
             best, index, static_cast<size_t>(n));
    double places[block];
    std::copy_n(index, n, places);
    store(places, out.address + (o * inner + column) * size_of(out.dtype), static_cast<size_t>(n));
  });
}

// Along contiguous memory: the best of each run in one pass of vectors; where it lies is looked for
// in the best run only.
template <typename L>
void arg_extreme_runs(bool largest, const Tensor& in, int64_t length, const Tensor& out) {
  constexpr int64_t run = 4096;
  const auto& loops = simd::reduce_loops<L>();
  const auto extreme =
      loops.run[static_cast<int>(largest ? simd::Reducing::max : simd::Reducing::min)];
  const simd::Store<double> store = simd::store_function<double>(out.dtype);
  parallel_for(out.size(), length, [&](int64_t o) {
    const L* x = in.data<L>() + o * length;
    int64_t begin = 0;
    L best{};
    for (int64_t i = 0; i < length; i += run) {
      const L found = extreme(x + i, static_cast<size_t>(std::min(run, length - i)));
      if (i == 0 || better(largest, found, best)) best = found, begin = i;
    }
    const double index =
        static_cast<double>(begin + static_cast<int64_t>(loops.find(
                                        x + begin, static_cast<size_t>(length - begin), best)));
    store(&index, out.address + o * size_of(out.dtype), 1);
  });
}

// Elements that are converted first, along contiguous memory.
template <typename L>
void arg_extreme_rows(bool largest, const Tensor& in, int64_t length, const Tensor& out) {
  constexpr int64_t run = 512;
  const simd::Load<L> load = simd::load_function<L>(in.dtype);
  const simd::Store<double> store = simd::store_function<double>(out.dtype);
  parallel_for(out.size(), length, [&](int64_t o) {
    L values[run], best{};
    double index = 0;
    for (int64_t begin = 0; begin < length; begin += run) {
      const int64_t n = std::min(run, length - begin);
      load(in.address + (o * length + begin) * size_of(in.dtype), values, static_cast<size_t>(n));
      for (int64_t i = 0; i < n; ++i)
        if (begin + i == 0 || better(largest, values[i], best)) {
          best = values[i];
          index = static_cast<double>(begin + i);
        }
    }
    store(&index, out.address + o * size_of(out.dtype), 1);
  });
}

template <typename L>
void arg_extreme_any(bool largest, const Tensor& in, int axis, const Tensor& out) {
  const bool rows = in.shape.size(axis + 1, in.shape.ndim()) == 1;
  if constexpr (std::is_floating_point_v<L>)
    if (in.dtype == simd::compute_dtype<L> &&
        in.shape[axis] <= std::numeric_limits<simd::IndexOf<L>>::max())
      return rows ? arg_extreme_runs<L>(largest, in, in.shape[axis], out)
                  : arg_extreme_columns<L>(largest, in, axis, out);
  if (rows)
    arg_extreme_rows<L>(largest, in, in.shape[axis], out);
  else
    arg_extreme_typed<L>(largest, in, axis, out);
}

}  // namespace

void arg_extreme(bool largest, const Tensor& in, int axis, const Tensor& out) {
  if (out.size() == 0) return;
  if (in.dtype == DType::float64)
    arg_extreme_any<double>(largest, in, axis, out);
  else if (is_floating(in.dtype))
    arg_extreme_any<float>(largest, in, axis, out);
  else if (in.dtype == DType::uint64)
    arg_extreme_any<uint64_t>(largest, in, axis, out);
  else
    arg_extreme_any<int64_t>(largest, in, axis, out);
}

}  // namespace gemel::kernels
