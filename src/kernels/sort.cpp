#include "kernels/sort.h"

#include <algorithm>
#include <bit>
#include <limits>
#include <numeric>
#include <vector>

#include "kernels/parallel.h"
#include "simd/convert.h"
#include "simd/sort_keys.h"

namespace gemel::kernels {

namespace {

using Found = std::function<void(int64_t, int64_t, std::span<const int64_t>)>;

// A number whose order as an unsigned integer is that of the values; NaN is the largest.
uint32_t key_of(float value, uint32_t /*lowest*/, bool ascending) {
  if (value != value) return std::numeric_limits<uint32_t>::max();
  const uint32_t bits = std::bit_cast<uint32_t>(value == 0 ? 0.0f : value);  // -0 equals 0
  const uint32_t key = bits >> 31 ? ~bits : bits | 0x80000000u;
  return ascending ? key : ~key;
}
uint32_t key_of(int64_t value, uint32_t lowest, bool ascending) {
  const uint32_t key = static_cast<uint32_t>(value) + lowest;
  return ascending ? key : ~key;
}

// Elements of at most 32 bits: a key and a position are one number, so that equal elements keep
// their order and a vector sort serves.
template <typename L>
void order_packed(const Tensor& in, int axis, int64_t k, bool ascending, const Found& f) {
  const int64_t outer = in.shape.size(0, axis), length = in.shape[axis],
                inner = in.shape.size(axis + 1, in.shape.ndim());
  const int64_t width = size_of(in.dtype);
  const uint32_t lowest = in.dtype == DType::uint32 ? 0 : 0x80000000u;
  const auto load = simd::strided_load_function<L>(in.dtype);
  parallel_for(outer * inner, length * 8, [&](int64_t row) {
    std::vector<L> values(static_cast<size_t>(length));
    std::vector<uint64_t> keys(static_cast<size_t>(length));
    std::vector<int64_t> order(static_cast<size_t>(k));
    load(in.address + (row / inner * length * inner + row % inner) * width, inner, values.data(),
         values.size());
    for (size_t i = 0; i < values.size(); ++i)
      keys[i] = static_cast<uint64_t>(key_of(values[i], lowest, ascending)) << 32 | i;
    if (k < length / 4) std::nth_element(keys.begin(), keys.begin() + k, keys.end());
    simd::sort_keys(keys.data(), static_cast<size_t>(k < length / 4 ? k : length));
    for (size_t i = 0; i < order.size(); ++i) order[i] = static_cast<uint32_t>(keys[i]);
    f(row / inner, row % inner, order);
  });
}

template <typename L>
void order_typed(const Tensor& in, int axis, int64_t k, bool ascending, const Found& f) {
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
  const bool packed = in.shape[axis] <= std::numeric_limits<uint32_t>::max();
  if (packed && is_floating(in.dtype) && in.dtype != DType::float64)
    order_packed<float>(in, axis, k, ascending, f);
  else if (packed && !is_floating(in.dtype) && size_of(in.dtype) <= 4)
    order_packed<int64_t>(in, axis, k, ascending, f);
  else if (in.dtype == DType::float64)
    order_typed<double>(in, axis, k, ascending, f);
  else if (is_floating(in.dtype))
    order_typed<float>(in, axis, k, ascending, f);
  else if (in.dtype == DType::uint64)
    order_typed<uint64_t>(in, axis, k, ascending, f);
  else
    order_typed<int64_t>(in, axis, k, ascending, f);
}

}  // namespace gemel::kernels
