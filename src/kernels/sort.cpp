#include "kernels/sort.h"

#include <algorithm>
#include <bit>
#include <limits>
#include <memory>
#include <numeric>
#include <vector>

#include "kernels/parallel.h"
#include "kernels/radix_sort.h"
#include "simd/convert.h"
#include "simd/reduce_loops.h"
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

bool by_radix(int64_t n) { return n >= shortest_radix && n <= longest_radix; }

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
    const int64_t sorted = k < length / 4 ? k : length;
    if (sorted == length && by_radix(length)) {  // the positions are in order already
      std::vector<uint64_t> scratch(keys.size());
      radix_sort<32>(keys.data(), scratch.data(), length);
    } else {
      simd::sort_keys(keys.data(), static_cast<size_t>(sorted));
    }
    for (size_t i = 0; i < order.size(); ++i) order[i] = static_cast<uint32_t>(keys[i]);
    f(row / inner, row % inner, order);
  });
}

constexpr int64_t few = 128;  // so many are kept in a heap while the row is passed over

// The packed keys of the first k elements in order, where k is small: a heap of the best so far,
// and vectors that look for elements that beat its worst.
template <typename L>
void first_packed(const L* values, int64_t length, uint32_t lowest, bool ascending,
                  std::span<uint64_t> best) {
  constexpr int64_t block = 512;
  const auto packed = [&](int64_t i) {
    return static_cast<uint64_t>(key_of(values[i], lowest, ascending)) << 32 |
           static_cast<uint32_t>(i);
  };
  const int64_t k = static_cast<int64_t>(best.size());
  for (int64_t i = 0; i < k; ++i) best[static_cast<size_t>(i)] = packed(i);
  std::make_heap(best.begin(), best.end());
  const auto offer = [&](int64_t i) {
    const uint64_t key = packed(i);
    if (key >= best.front()) return;
    std::pop_heap(best.begin(), best.end());
    best.back() = key;
    std::push_heap(best.begin(), best.end());
  };
  // The limit is loose at first: blocks grow with what has been seen.
  for (int64_t begin = k, n = 0; begin < length; begin += n) {
    n = std::min({std::max<int64_t>(begin, 16), block, length - begin});
    const L limit = values[static_cast<uint32_t>(best.front())];
    if constexpr (std::is_floating_point_v<L>) {
      if (limit == limit) {
        uint32_t at[block];
        const size_t found = simd::reduce_loops<L>().beyond[!ascending](
            values + begin, static_cast<size_t>(n), limit, at);
        for (size_t i = 0; i < found; ++i) offer(begin + at[i]);
        continue;
      }
    }
    for (int64_t i = begin; i < begin + n; ++i) offer(i);
  }
  std::sort_heap(best.begin(), best.end());
}

template <typename L>
void order_few(const Tensor& in, int axis, int64_t k, bool ascending, const Found& f) {
  const int64_t outer = in.shape.size(0, axis), length = in.shape[axis],
                inner = in.shape.size(axis + 1, in.shape.ndim());
  const uint32_t lowest = in.dtype == DType::uint32 ? 0 : 0x80000000u;
  const auto load = simd::strided_load_function<L>(in.dtype);
  const bool direct = inner == 1 && in.dtype == simd::compute_dtype<L>;
  parallel_for(outer * inner, length * 2, [&](int64_t row) {
    std::vector<L> buffer;
    const L* values = in.data<L>() + row * length;
    if (!direct) {
      buffer.resize(static_cast<size_t>(length));
      load(in.address + (row / inner * length * inner + row % inner) * size_of(in.dtype), inner,
           buffer.data(), buffer.size());
      values = buffer.data();
    }
    uint64_t best[few];
    int64_t order[few];
    const auto count = static_cast<size_t>(k);
    first_packed(values, length, lowest, ascending, std::span(best, count));
    for (size_t i = 0; i < count; ++i) order[i] = static_cast<uint32_t>(best[i]);
    f(row / inner, row % inner, std::span<const int64_t>(order, count));
  });
}

// A row's values in order, NaN last.
template <typename T>
void sort_row(T* values, int64_t length, bool ascending) {
  int64_t numbers = length;
  if constexpr (std::is_floating_point_v<T>)
    numbers = std::partition(values, values + length, [](T v) { return v == v; }) - values;
  simd::sort_keys(values, static_cast<size_t>(numbers), ascending);
}

// The same by way of keys with the order of the values, of which each has its own, -0 below +0 too.
template <typename T>
void sort_row_by_radix(T* values, int64_t length, bool ascending) {
  constexpr uint32_t top = 0x80000000u, turned_by_sign = std::is_same_v<T, float> ? ~0u : 0u;
  constexpr uint32_t last = std::numeric_limits<uint32_t>::max();
  constexpr uint32_t lifted = std::is_same_v<T, uint32_t> ? 0 : top;
  const uint32_t order = ascending ? 0 : ~0u;
  const auto memory = std::make_unique_for_overwrite<uint32_t[]>(static_cast<size_t>(2 * length));
  uint32_t* keys = memory.get();
  for (int64_t i = 0; i < length; ++i) {
    const uint32_t bits = std::bit_cast<uint32_t>(values[i]);
    const uint32_t key = bits ^ ((0u - (bits >> 31)) & turned_by_sign & ~top) ^ lifted ^ order;
    keys[i] = values[i] == values[i] ? key : last;
  }
  radix_sort<0>(keys, keys + length, length);
  for (int64_t i = 0; i < length; ++i) {
    const uint32_t key = keys[i] ^ order ^ lifted;
    const uint32_t bits = key ^ ((0u - (key >> 31)) & turned_by_sign & ~top);
    values[i] = std::bit_cast<T>(bits);
    if constexpr (std::is_same_v<T, float>)
      if (keys[i] == last) values[i] = std::numeric_limits<float>::quiet_NaN();
  }
}

template <typename T>
void sort_typed(const Tensor& in, int axis, bool ascending, const Tensor& out) {
  const int64_t outer = in.shape.size(0, axis), length = in.shape[axis],
                inner = in.shape.size(axis + 1, in.shape.ndim());
  parallel_for(outer * inner, length * 8, [&](int64_t row) {
    const int64_t first = row / inner * length * inner + row % inner;
    const T* from = in.data<T>() + first;
    T* to = out.data<T>() + first;
    std::vector<T> buffer(inner == 1 ? 0 : static_cast<size_t>(length));
    T* values = inner == 1 ? to : buffer.data();
    for (int64_t i = 0; i < length; ++i) values[i] = from[i * inner];
    bool done = false;
    if constexpr (sizeof(T) == 4)
      if ((done = by_radix(length))) sort_row_by_radix(values, length, ascending);
    if (!done) sort_row(values, length, ascending);
    for (int64_t i = 0; inner != 1 && i < length; ++i) to[i * inner] = values[i];
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
  const bool narrow =
      packed && in.dtype != DType::float64 && (is_floating(in.dtype) || size_of(in.dtype) <= 4);
  if (narrow && k <= few && k <= in.shape[axis] / 8) {
    if (is_floating(in.dtype)) return order_few<float>(in, axis, k, ascending, f);
    return order_few<int64_t>(in, axis, k, ascending, f);
  }
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

bool sort_rows(const Tensor& in, int axis, bool ascending, const Tensor& out) {
  const auto sort = [&]<typename T>(T) {
    if (in.size()) sort_typed<T>(in, axis, ascending, out);
    return true;
  };
  switch (in.dtype) {
    case DType::float32:
      return sort(float{});
    case DType::float64:
      return simd::sorts_double() && sort(double{});
    case DType::int32:
      return sort(int32_t{});
    case DType::int64:
      return sort(int64_t{});
    case DType::uint32:
      return sort(uint32_t{});
    case DType::uint64:
      return sort(uint64_t{});
    default:
      return false;
  }
}

}  // namespace gemel::kernels
