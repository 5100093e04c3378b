#include "kernels/sort.h"

#include <algorithm>
#include <numeric>
#include <vector>

#include "kernels/parallel.h"
#include "simd/convert.h"

namespace gemel::kernels {

namespace {

template <typename L>
void order_typed(const Tensor& in, int axis, int64_t k, bool ascending,
                 const std::function<void(int64_t, int64_t, std::span<const int64_t>)>& f) {
  const int64_t outer = in.shape.size(0, axis), length = in.shape[axis],
                inner = in.shape.size(axis + 1, in.shape.ndim());
  const int64_t width = size_of(in.dtype);
  const auto load = simd::strided_load_function<L>(in.dtype);
  parallel_for(outer * inner, length * 8, [&](int64_t row) {
    std::vector<L> values(static_cast<size_t>(length));
    std::vector<int64_t> order(static_cast<size_t>(length));
    load(in.address + (row / inner * length * inner + row % inner) * width, inner, values.data(),
         values.size());
    std::iota(order.begin(), order.end(), 0);
    const auto before = [&](int64_t a, int64_t b) {
      const L x = values[static_cast<size_t>(a)], y = values[static_cast<size_t>(b)];
      const bool x_nan = x != x, y_nan = y != y;
      if (x_nan || y_nan) return x_nan == y_nan ? a < b : y_nan;
      return x == y ? a < b : ascending ? x < y : x > y;
    };
    if (k < length / 4)
      std::partial_sort(order.begin(), order.begin() + k, order.end(), before);
    else
      std::sort(order.begin(), order.end(), before);
    f(row / inner, row % inner, std::span<const int64_t>(order.data(), static_cast<size_t>(k)));
  });
}

}  // namespace

void order_rows(const Tensor& in, int axis, int64_t k, bool ascending,
                const std::function<void(int64_t, int64_t, std::span<const int64_t>)>& f) {
  if (in.size() == 0) return;
  if (in.dtype == DType::float64)
    order_typed<double>(in, axis, k, ascending, f);
  else if (is_floating(in.dtype))
    order_typed<float>(in, axis, k, ascending, f);
  else if (in.dtype == DType::uint64)
    order_typed<uint64_t>(in, axis, k, ascending, f);
  else
    order_typed<int64_t>(in, axis, k, ascending, f);
}

}  // namespace gemel::kernels
