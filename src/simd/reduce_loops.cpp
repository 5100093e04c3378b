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

template <Reducing kind, class V>
HWY_INLINE V combine(V a, V b) {
  if constexpr (kind == Reducing::max)
    return hn::IfThenElse(hn::Or(hn::Gt(b, a), hn::IsNaN(b)), b, a);
  else if constexpr (kind == Reducing::min)
    return hn::IfThenElse(hn::Or(hn::Lt(b, a), hn::IsNaN(b)), b, a);
  else
    return hn::Add(a, b);
}

template <Reducing kind, class V>
HWY_INLINE V mapped(V x) {
  if constexpr (kind == Reducing::add_squares)
    return hn::Mul(x, x);
  else
    return x;
}

template <Reducing kind, typename T>
T run(const T* x, size_t n) {
  const hn::CappedTag<T, 16> d;
  constexpr size_t lanes = hn::MaxLanes(d), vectors = 16 / lanes;
  T lane[16];
  size_t i = 0;
  if (n >= 16) {
    hn::Vec<decltype(d)> totals[vectors];
    for (auto& total : totals) total = hn::Set(d, identity<kind, T>());
    for (; i + 16 <= n; i += 16)
      for (size_t k = 0; k < vectors; ++k)
        totals[k] = combine<kind>(totals[k], mapped<kind>(hn::LoadU(d, x + i + k * lanes)));
    for (size_t k = 0; k < vectors; ++k) hn::StoreU(totals[k], d, lane + k * lanes);
  } else {
    for (T& l : lane) l = identity<kind, T>();
  }
  for (; i < n; ++i) {
    const T value = kind == Reducing::add_squares ? x[i] * x[i] : x[i];
    lane[i % 16] = combine_scalar<kind>(lane[i % 16], value);
  }
  for (int width = 8; width > 0; width /= 2)
    for (int k = 0; k < width; ++k) lane[k] = combine_scalar<kind>(lane[k], lane[k + width]);
  return lane[0];
}

template <Reducing kind, typename T>
void accumulate(const T* x, double* total, size_t n) {
  const hn::ScalableTag<double> d;
  const hn::Rebind<T, decltype(d)> narrow;
  const size_t lanes = hn::Lanes(d);
  size_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    const auto value = mapped<kind>(hn::LoadU(narrow, x + i));
    const auto before = hn::LoadU(d, total + i);
    if constexpr (std::is_same_v<T, double>)
      hn::StoreU(combine<kind>(before, value), d, total + i);
    else
      hn::StoreU(combine<kind>(before, hn::PromoteTo(d, value)), d, total + i);
  }
  for (; i < n; ++i) {
    const T value = kind == Reducing::add_squares ? x[i] * x[i] : x[i];
    total[i] = combine_scalar<kind>(total[i], static_cast<double>(value));
  }
}

template <typename T>
ReduceLoops<T> table() {
  return {{run<Reducing::add, T>, run<Reducing::add_squares, T>, run<Reducing::max, T>,
           run<Reducing::min, T>},
          {accumulate<Reducing::add, T>, accumulate<Reducing::add_squares, T>,
           accumulate<Reducing::max, T>, accumulate<Reducing::min, T>}};
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
