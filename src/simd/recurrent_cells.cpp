#include "simd/recurrent_cells.h"

#include <cmath>

#include "simd/primitives.h"

#undef HWY_DISABLED_TARGETS
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_AVX3_DL)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "simd/recurrent_cells.cpp"
#include <hwy/foreach_target.h>
//
#include <hwy/highway.h>

#include "simd/vector_loops-inl.h"
#include "simd/vector_math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace gemel::simd::HWY_NAMESPACE {
namespace cells {

// Where a step of a loop reads and writes: whole vectors, or the first `count` lanes of the last.
struct Whole {
  template <class D, typename T>
  HWY_INLINE hn::Vec<D> load(D d, const T* from) const {
    return hn::LoadU(d, from);
  }
  template <class D, typename T>
  HWY_INLINE void store(D d, hn::Vec<D> value, T* to) const {
    hn::StoreU(value, d, to);
  }
};
struct Tail {
  size_t count;
  template <class D, typename T>
  HWY_INLINE hn::Vec<D> load(D d, const T* from) const {
    return load_tail(d, from, count);
  }
  template <class D, typename T>
  HWY_INLINE void store(D d, hn::Vec<D> value, T* to) const {
    store_tail(d, value, to, count);
  }
};

template <typename T, class F>
HWY_INLINE void each(size_t n, F&& f) {
  const hn::ScalableTag<T> d;
  const size_t lanes = hn::Lanes(d);
  size_t i = 0;
  for (; i + lanes <= n; i += lanes) f(d, Whole(), i);
  if (i < n) f(d, Tail{n - i}, i);
}

// Double has no vector code for these: the library, lane by lane.
template <class D, class V, class F>
HWY_INLINE V by_lane(D d, V x, F f) {
  double lanes[hn::MaxLanes(D())];
  hn::StoreU(x, d, lanes);
  for (size_t i = 0; i < hn::Lanes(d); ++i) lanes[i] = f(lanes[i]);
  return hn::LoadU(d, lanes);
}
template <class D, class V>
HWY_INLINE V tanh_of(D d, V x) {
  if constexpr (std::is_same_v<hn::TFromD<D>, float>)
    return float_tanh(d, x);
  else
    return by_lane(d, x, [](double v) { return std::tanh(v); });
}
template <class D, class V>
HWY_INLINE V sigmoid_of(D d, V x) {
  if constexpr (std::is_same_v<hn::TFromD<D>, float>)
    return float_sigmoid(d, x);
  else
    return by_lane(d, x, [](double v) { return 1 / (1 + std::exp(-v)); });
}
// y (1 - y) and 1 - y y: derivatives of the two from their values.
template <class D, class V>
HWY_INLINE V sigmoid_slope(D d, V y) {
  return hn::Mul(y, hn::Sub(hn::Set(d, 1), y));
}
template <class D, class V>
HWY_INLINE V tanh_slope(D d, V y) {
  return hn::Sub(hn::Set(d, 1), hn::Mul(y, y));
}

template <typename T>
void lstm(const T* c_prev, T* gates, T* c, T* h, T low, T high, size_t n) {
  each<T>(n, [&](auto d, auto at, size_t k) {
    T *gi = gates + k, *gf = gi + n, *gg = gf + n, *go = gg + n;
    const auto i = sigmoid_of(d, at.load(d, gi)), f = sigmoid_of(d, at.load(d, gf));
    const auto g = tanh_of(d, at.load(d, gg)), o = sigmoid_of(d, at.load(d, go));
    const auto sum = hn::Add(hn::Mul(f, at.load(d, c_prev + k)), hn::Mul(i, g));
    const auto cell = hn::Min(hn::Max(sum, hn::Set(d, low)), hn::Set(d, high));
    at.store(d, i, gi);
    at.store(d, f, gf);
    at.store(d, g, gg);
    at.store(d, o, go);
    at.store(d, cell, c + k);
    at.store(d, hn::Mul(o, tanh_of(d, cell)), h + k);
  });
}

template <typename T>
void lstm_backward(const T* c_prev, const T* gates, const T* c, const T* dh, T* dc, T* dgates,
                   T low, T high, size_t n) {
  each<T>(n, [&](auto d, auto at, size_t k) {
    const auto i = at.load(d, gates + k), f = at.load(d, gates + n + k);
    const auto g = at.load(d, gates + 2 * n + k), o = at.load(d, gates + 3 * n + k);
    const auto cell = at.load(d, c + k), previous = at.load(d, c_prev + k);
    const auto head = at.load(d, dh + k);
    const auto y = tanh_of(d, cell);
    const auto flows = hn::Mul(hn::Mul(head, o), tanh_slope(d, y));
    const auto total = hn::Add(at.load(d, dc + k), flows);
    const auto inside = hn::And(hn::Gt(cell, hn::Set(d, low)), hn::Lt(cell, hn::Set(d, high)));
    const auto slope = hn::IfThenElseZero(inside, total);
    at.store(d, hn::Mul(hn::Mul(slope, g), sigmoid_slope(d, i)), dgates + k);
    at.store(d, hn::Mul(hn::Mul(slope, previous), sigmoid_slope(d, f)), dgates + n + k);
    at.store(d, hn::Mul(hn::Mul(slope, i), tanh_slope(d, g)), dgates + 2 * n + k);
    at.store(d, hn::Mul(hn::Mul(head, y), sigmoid_slope(d, o)), dgates + 3 * n + k);
    at.store(d, hn::Mul(slope, f), dc + k);
  });
}

template <typename T>
void gru(const T* h_prev, T* gates, const T* hidden, T* h, size_t n) {
  each<T>(n, [&](auto d, auto at, size_t k) {
    T *gr = gates + k, *gz = gr + n, *gn = gz + n;
    const auto r = sigmoid_of(d, hn::Add(at.load(d, gr), at.load(d, hidden + k)));
    const auto z = sigmoid_of(d, hn::Add(at.load(d, gz), at.load(d, hidden + n + k)));
    const auto inner = hn::Mul(r, at.load(d, hidden + 2 * n + k));
    const auto fresh = tanh_of(d, hn::Add(at.load(d, gn), inner));
    at.store(d, r, gr);
    at.store(d, z, gz);
    at.store(d, fresh, gn);
    const auto kept = hn::Mul(z, at.load(d, h_prev + k));
    at.store(d, hn::Add(hn::Mul(hn::Sub(hn::Set(d, 1), z), fresh), kept), h + k);
  });
}

template <typename T>
void gru_backward(const T* h_prev, const T* gates, const T* hidden_new, T* dh, T* dgates,
                  T* dhidden, size_t n) {
  each<T>(n, [&](auto d, auto at, size_t k) {
    const auto r = at.load(d, gates + k), z = at.load(d, gates + n + k);
    const auto fresh = at.load(d, gates + 2 * n + k), inner = at.load(d, hidden_new + k);
    const auto head = at.load(d, dh + k);
    const auto one = hn::Set(d, 1);
    const auto dn = hn::Mul(hn::Mul(head, hn::Sub(one, z)), tanh_slope(d, fresh));
    const auto dr = hn::Mul(hn::Mul(dn, inner), sigmoid_slope(d, r));
    const auto change = hn::Sub(at.load(d, h_prev + k), fresh);
    const auto dz = hn::Mul(hn::Mul(head, change), sigmoid_slope(d, z));
    at.store(d, dr, dgates + k);
    at.store(d, dz, dgates + n + k);
    at.store(d, dn, dgates + 2 * n + k);
    at.store(d, dr, dhidden + k);
    at.store(d, dz, dhidden + n + k);
    at.store(d, hn::Mul(dn, r), dhidden + 2 * n + k);
    at.store(d, hn::Mul(head, z), dh + k);
  });
}

template <typename T>
void tanh(const T* gates, T* h, size_t n) {
  each<T>(
      n, [&](auto d, auto at, size_t k) { at.store(d, tanh_of(d, at.load(d, gates + k)), h + k); });
}
template <typename T>
void tanh_backward(const T* h, const T* dh, T* dgates, size_t n) {
  each<T>(n, [&](auto d, auto at, size_t k) {
    at.store(d, hn::Mul(at.load(d, dh + k), tanh_slope(d, at.load(d, h + k))), dgates + k);
  });
}
template <typename T>
void relu(const T* gates, T* h, size_t n) {
  each<T>(n, [&](auto d, auto at, size_t k) {
    const auto x = at.load(d, gates + k);
    at.store(d, hn::IfThenZeroElse(hn::Le(x, hn::Zero(d)), x), h + k);
  });
}
template <typename T>
void relu_backward(const T* h, const T* dh, T* dgates, size_t n) {
  each<T>(n, [&](auto d, auto at, size_t k) {
    const auto above = hn::Gt(at.load(d, h + k), hn::Zero(d));
    at.store(d, hn::IfThenElseZero(above, at.load(d, dh + k)), dgates + k);
  });
}

template <typename T>
RecurrentCells<T> table() {
  return {lstm<T>, lstm_backward<T>, gru<T>,  gru_backward<T>,
          tanh<T>, tanh_backward<T>, relu<T>, relu_backward<T>};
}

}  // namespace cells

RecurrentCells<float> recurrent_cells_float() { return cells::table<float>(); }
RecurrentCells<double> recurrent_cells_double() { return cells::table<double>(); }

}  // namespace gemel::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gemel::simd {

HWY_EXPORT(recurrent_cells_float);
HWY_EXPORT(recurrent_cells_double);

template <>
const RecurrentCells<float>& recurrent_cells<float>() {
  static const RecurrentCells<float> table = HWY_DYNAMIC_DISPATCH(recurrent_cells_float)();
  return table;
}
template <>
const RecurrentCells<double>& recurrent_cells<double>() {
  static const RecurrentCells<double> table = HWY_DYNAMIC_DISPATCH(recurrent_cells_double)();
  return table;
}

}  // namespace gemel::simd
#endif
