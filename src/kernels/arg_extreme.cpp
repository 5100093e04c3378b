#include <algorithm>

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

// Along contiguous memory: runs of the row are loaded at once.
template <typename L>
void arg_extreme_rows(bool largest, const Tensor& in, int64_t length, const Tensor& out) {
  constexpr int64_t run = 512;
  const simd::Load<L> load = simd::load_function<L>(in.dtype);
  const simd::Store<double> store = simd::store_function<double>(out.dtype);
  parallel_for(out.size(), length, [&](int64_t o) {
    L buffer[run], best{};
    double index = 0;
    for (int64_t begin = 0; begin < length; begin += run) {
      const int64_t n = std::min(run, length - begin);
      const std::byte* from = in.address + (o * length + begin) * size_of(in.dtype);
      const L* values = reinterpret_cast<const L*>(from);
      if (in.dtype != simd::compute_dtype<L>) {
        load(from, buffer, static_cast<size_t>(n));
        values = buffer;
      }
      if constexpr (std::is_floating_point_v<L>) {
        // The run's best in one pass of vectors; where it lies is asked only if it is better.
        const L found = simd::reduce_loops<L>().run[static_cast<int>(
            largest ? simd::Reducing::max : simd::Reducing::min)](values, static_cast<size_t>(n));
        if (begin > 0 && !better(largest, found, best)) continue;
        best = found;
        int64_t at = 0;
        while (values[at] != found && (found == found || values[at] == values[at])) ++at;
        index = static_cast<double>(begin + at);
        continue;
      }
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
  if (in.shape.size(axis + 1, in.shape.ndim()) == 1)
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
