#include "simd/reduce_loops.h"

#include <limits>
#include <type_traits>

#undef HWY_DISABLED_TARGETS
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_AVX3_DL)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "simd/reduce_loops.cpp"
#include <hwy/foreach_target.h>
//
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace gemel::simd::HWY_NAMESPACE {
namespace reductions {
namespace hn = hwy::HWY_NAMESPACE;

template <Reducing kind, typename T>
T identity() {
  if constexpr (kind == Reducing::max) return -std::numeric_limits<T>::infinity();
  if constexpr (kind == Reducing::min) return std::numeric_limits<T>::infinity();
  return 0;
}

template <Reducing kind, typename T>
HWY_INLINE T combine_scalar(T a, T b) {
  if constexpr (kind == Reducing::max)
    return (b > a) | (b != b) ? b : a;
  else if constexpr (kind == Reducing::min)
    return (b < a) | (b != b) ? b : a;
  else
    return a + b;
}

// Leaves out NaN in b on some CPUs: `combine` does not.
template <Reducing kind, class V>
HWY_INLINE V combine_numbers(V a, V b) {
  if constexpr (kind == Reducing::max)
    return hn::Max(b, a);
  else if constexpr (kind == Reducing::min)
    return hn::Min(b, a);
  else
    return hn::Add(a, b);
}
template <Reducing kind, class V>
HWY_INLINE V combine(V a, V b) {
  const V both = combine_numbers<kind>(a, b);
  if constexpr (kind == Reducing::max || kind == Reducing::min)
    return hn::IfThenElse(hn::IsNaN(b), b, both);
  else
    return both;
}

template <Reducing kind, class V>
HWY_INLINE V mapped(V x) {
  if constexpr (kind == Reducing::add_squares)
    return hn::Mul(x, x);
  else
    return x;
}
template <Reducing kind, typename T>
HWY_INLINE T mapped_scalar(T x) {
  return kind == Reducing::add_squares ? x * x : x;
}

template <Reducing kind, typename T>
HWY_INLINE T join(T* lane, size_t i, const T* x, size_t n) {
  for (; i < n; ++i) lane[i % 16] = combine_scalar<kind>(lane[i % 16], mapped_scalar<kind>(x[i]));
  for (size_t width = 8; width > 0; width /= 2)
    for (size_t k = 0; k < width; ++k) lane[k] = combine_scalar<kind>(lane[k], lane[k + width]);
  return lane[0];
}

template <Reducing kind, size_t lanes_in_all, typename T>
HWY_INLINE T run_in(const T* x, size_t n) {
  constexpr bool extreme = kind == Reducing::max || kind == Reducing::min;
  const hn::CappedTag<T, 16> d;
  constexpr size_t lanes = hn::MaxLanes(d), vectors = lanes_in_all / lanes;
  T lane[16];
  hn::Vec<decltype(d)> total[vectors];
  auto not_a_number = hn::IsNaN(hn::Zero(d));
  HWY_UNROLL(32)
  for (size_t k = 0; k < vectors; ++k) total[k] = hn::Set(d, identity<kind, T>());
  const auto step = [&](auto& sum, size_t at) HWY_ATTR {
    const auto value = hn::LoadU(d, x + at);
    sum = combine_numbers<kind>(sum, mapped<kind>(value));
    if constexpr (extreme) not_a_number = hn::Or(not_a_number, hn::IsNaN(value));
  };
  size_t i = 0;
  for (; i + lanes_in_all <= n; i += lanes_in_all) {
    HWY_UNROLL(32)
    for (size_t k = 0; k < vectors; ++k) step(total[k], i + k * lanes);
  }
  HWY_UNROLL(8)
  for (size_t k = 0; k < vectors; k += 16 / lanes) {
    if (i + 16 > n) break;
    HWY_UNROLL(16)
    for (size_t j = 0; j < 16 / lanes; ++j) step(total[k + j], i + j * lanes);
    i += 16;
  }
  if (extreme && !hn::AllFalse(d, not_a_number)) return std::numeric_limits<T>::quiet_NaN();
  HWY_UNROLL(8)
  for (size_t half = vectors / 2; half * lanes >= 16; half /= 2) {
    HWY_UNROLL(16)
    for (size_t k = 0; k < half; ++k) total[k] = combine_numbers<kind>(total[k], total[k + half]);
  }
  HWY_UNROLL(16)
  for (size_t k = 0; k < 16 / lanes; ++k) hn::StoreU(total[k], d, lane + k * lanes);
  return join<kind>(lane, i, x, n);
}

template <Reducing kind, typename T>
T run(const T* x, size_t n) {
  return n < run_lanes<T> ? run_in<kind, 16>(x, n) : run_in<kind, run_lanes<T>>(x, n);
}

// The rows joined two by two.
template <Reducing kind, int rows, class D, typename T>
HWY_INLINE hn::Vec<D> join_rows(D d, const T* const* x, size_t i) {
  if constexpr (rows == 1)
    return mapped<kind>(hn::LoadU(d, x[0] + i));
  else
    return combine<kind>(join_rows<kind, rows / 2>(d, x, i),
                         join_rows<kind, rows / 2>(d, x + rows / 2, i));
}

template <Reducing kind, int rows, typename T>
HWY_INLINE void accumulate_rows(const T* const* x, double* total, size_t n) {
  const hn::ScalableTag<double> d;
  const hn::Rebind<T, decltype(d)> narrow;
  const size_t lanes = hn::Lanes(d);
  const T* row[rows];
  HWY_UNROLL(8)
  for (int r = 0; r < rows; ++r) row[r] = x[r];
  size_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    const auto value = join_rows<kind, rows>(narrow, row, i);
    const auto before = hn::LoadU(d, total + i);
    if constexpr (std::is_same_v<T, double>)
      hn::StoreU(combine<kind>(before, value), d, total + i);
    else
      hn::StoreU(combine<kind>(before, hn::PromoteTo(d, value)), d, total + i);
  }
  for (; i < n; ++i) {
    T value[rows];
    for (int r = 0; r < rows; ++r) value[r] = mapped_scalar<kind>(row[r][i]);
    for (int step = 1; step < rows; step *= 2)
      for (int r = 0; r < rows; r += 2 * step)
        value[r] = combine_scalar<kind>(value[r], value[r + step]);
    total[i] = combine_scalar<kind>(total[i], static_cast<double>(value[0]));
  }
}

template <Reducing kind, typename T>
void accumulate(const T* const* x, size_t rows, double* total, size_t n) {
  static_assert(joined_rows == 8);
  size_t r = 0;
  for (; r + 8 <= rows; r += 8) accumulate_rows<kind, 8>(x + r, total, n);
  if (r + 4 <= rows) accumulate_rows<kind, 4>(x + r, total, n), r += 4;
  for (; r < rows; ++r) accumulate_rows<kind, 1>(x + r, total, n);
}

template <typename T>
size_t find(const T* x, size_t n, T value) {
  const hn::ScalableTag<T> d;
  const size_t lanes = hn::Lanes(d);
  const auto wanted = hn::Set(d, value);
  const bool any_nan = value != value;
  size_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    const auto v = hn::LoadU(d, x + i);
    const auto at = hn::FindFirstTrue(d, any_nan ? hn::IsNaN(v) : hn::Eq(v, wanted));
    if (at >= 0) return i + static_cast<size_t>(at);
  }
  while (i < n && !(any_nan ? x[i] != x[i] : x[i] == value)) ++i;
  return i;
}

// Whether a beats b, where NaN beats every number and nothing beats NaN.
template <bool largest, class V>
HWY_INLINE auto beats(V a, V b) {
  const auto not_worse = largest ? hn::Le(a, b) : hn::Ge(a, b);
  return hn::AndNot(not_worse, hn::Eq(b, b));
}
template <bool largest, typename T>
HWY_INLINE bool beats_scalar(T a, T b) {
  return b == b && !(largest ? a <= b : a >= b);
}

template <bool largest, typename T>
void extreme_rows(const T* x, size_t stride, size_t rows, IndexOf<T> first, T* best,
                  IndexOf<T>* index, size_t n) {
  const hn::ScalableTag<T> d;
  const hn::RebindToSigned<decltype(d)> di;
  const size_t lanes = hn::Lanes(d);
  size_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    auto b = hn::LoadU(d, best + i);
    auto at = hn::LoadU(di, index + i);
    for (size_t r = 0; r < rows; ++r) {
      const auto v = hn::LoadU(d, x + r * stride + i);
      const auto better = beats<largest>(v, b);
      b = hn::IfThenElse(better, v, b);
      at = hn::IfThenElse(hn::RebindMask(di, better),
                          hn::Set(di, first + static_cast<IndexOf<T>>(r)), at);
    }
    hn::StoreU(b, d, best + i);
    hn::StoreU(at, di, index + i);
  }
  for (; i < n; ++i)
    for (size_t r = 0; r < rows; ++r)
      if (beats_scalar<largest>(x[r * stride + i], best[i])) {
        best[i] = x[r * stride + i];
        index[i] = first + static_cast<IndexOf<T>>(r);
      }
}

template <bool largest, typename T>
size_t beyond(const T* x, size_t n, T limit, uint32_t* at) {
  const hn::ScalableTag<T> d;
  const size_t lanes = hn::Lanes(d);
  const auto bound = hn::Set(d, limit);
  const auto test = [&](size_t i) HWY_ATTR {
    const auto v = hn::LoadU(d, x + i);
    return largest ? hn::Gt(v, bound) : hn::Lt(v, bound);
  };
  size_t found = 0, i = 0;
  const auto look = [&](size_t end) {
    for (; i < end; ++i)
      if (largest ? x[i] > limit : x[i] < limit) at[found++] = static_cast<uint32_t>(i);
  };
  while (i + 4 * lanes <= n) {
    const auto any =
        hn::Or(hn::Or(test(i), test(i + lanes)), hn::Or(test(i + 2 * lanes), test(i + 3 * lanes)));
    if (HWY_LIKELY(hn::AllFalse(d, any)))
      i += 4 * lanes;
    else
      look(i + 4 * lanes);
  }
  look(n);
  return found;
}

template <typename T>
ReduceLoops<T> table() {
  return {{run<Reducing::add, T>, run<Reducing::add_squares, T>, run<Reducing::max, T>,
           run<Reducing::min, T>},
          {accumulate<Reducing::add, T>, accumulate<Reducing::add_squares, T>,
           accumulate<Reducing::max, T>, accumulate<Reducing::min, T>},
          find<T>,
          {extreme_rows<false, T>, extreme_rows<true, T>},
          {beyond<false, T>, beyond<true, T>}};
}

}  // namespace reductions

ReduceLoops<float> reduce_loops_float() { return reductions::table<float>(); }
ReduceLoops<double> reduce_loops_double() { return reductions::table<double>(); }

}  // namespace gemel::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gemel::simd {

HWY_EXPORT(reduce_loops_float);
HWY_EXPORT(reduce_loops_double);

template <>
const ReduceLoops<float>& reduce_loops<float>() {
  static const ReduceLoops<float> table = HWY_DYNAMIC_DISPATCH(reduce_loops_float)();
  return table;
}
template <>
const ReduceLoops<double>& reduce_loops<double>() {
  static const ReduceLoops<double> table = HWY_DYNAMIC_DISPATCH(reduce_loops_double)();
  return table;
}

}  // namespace gemel::simd
#endif
