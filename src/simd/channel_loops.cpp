#include "simd/channel_loops.h"

#undef HWY_DISABLED_TARGETS
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_AVX3_DL)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "simd/channel_loops.cpp"
#include <hwy/foreach_target.h>
//
#include <hwy/highway.h>

#include "simd/vector_loops-inl.h"
#include "simd/vector_math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace gemel::simd::HWY_NAMESPACE {
namespace channels {
namespace hn = hwy::HWY_NAMESPACE;

using D = hn::ScalableTag<float>;
using V = hn::Vec<D>;

// Calls f(offset, load, store) for vectors over [0, n); the last one loads and stores what is left.
template <typename F>
HWY_INLINE void over(size_t n, F&& f) {
  const D d;
  const size_t lanes = hn::Lanes(d);
  size_t i = 0;
  for (; i + lanes <= n; i += lanes)
    f([&](const float* from) HWY_ATTR { return hn::LoadU(d, from + i); },
      [&](V value, float* to) HWY_ATTR { hn::StoreU(value, d, to + i); });
  if (i < n)
    f([&](const float* from) HWY_ATTR { return load_tail(d, from + i, n - i); },
      [&](V value, float* to) HWY_ATTR { store_tail(d, value, to + i, n - i); });
}

template <typename Load>
HWY_INLINE V sum_of_lines(const ChannelWindow& w, Load&& load) {
  V sum = load(w.lines[0]);
  for (size_t k = 1; k < w.count; ++k) sum = hn::Add(sum, load(w.lines[k]));
  return sum;
}

// s^-beta: by roots for the power that everybody uses, and for its neighbours.
struct ByRoots {
  static V power(V s, float) {
    const V root = hn::Sqrt(s);
    return hn::Div(hn::Set(D(), 1.0f), hn::Mul(root, hn::Sqrt(root)));
  }
};
struct ByPower {
  static V power(V s, float beta) { return float_pow(D(), s, hn::Set(D(), -beta)); }
};

// Calls f with the way to the power that w wants.
template <typename F>
HWY_INLINE void with_power(const ChannelWindow& w, F&& f) {
  if (w.beta == 0.75f) return f(ByRoots());
  f(ByPower());
}

void squares(const float* x, float* out, size_t n) {
  over(n, [&](auto load, auto store) HWY_ATTR {
    const V v = load(x);
    store(hn::Mul(v, v), out);
  });
}

template <class Power>
void normalize_by(const ChannelWindow& w, const float* x, float* out, size_t n) {
  const V offset = hn::Set(D(), w.offset), weight = hn::Set(D(), w.weight);
  over(n, [&](auto load, auto store) HWY_ATTR {
    const V s = hn::MulAdd(sum_of_lines(w, load), weight, offset);
    store(hn::Mul(load(x), Power::power(s, w.beta)), out);
  });
}
void normalize(const ChannelWindow& w, const float* x, float* out, size_t n) {
  with_power(w, [&](auto power) { normalize_by<decltype(power)>(w, x, out, n); });
}

template <class Power>
void ratios_by(const ChannelWindow& w, const float* dy, const float* x, float* scaled, float* ratio,
               size_t n) {
  const V offset = hn::Set(D(), w.offset), weight = hn::Set(D(), w.weight);
  over(n, [&](auto load, auto store) HWY_ATTR {
    const V s = hn::MulAdd(sum_of_lines(w, load), weight, offset);
    const V head = hn::Mul(load(dy), Power::power(s, w.beta));
    store(head, scaled);
    store(hn::Div(hn::Mul(head, load(x)), s), ratio);
  });
}
void ratios(const ChannelWindow& w, const float* dy, const float* x, float* scaled, float* ratio,
            size_t n) {
  with_power(w, [&](auto power) { ratios_by<decltype(power)>(w, dy, x, scaled, ratio, n); });
}

void gradient(const ChannelWindow& w, const float* scaled, const float* x, float* out, size_t n) {
  const V weight = hn::Set(D(), w.weight);
  over(n, [&](auto load, auto store) HWY_ATTR {
    const V sum = sum_of_lines(w, load);
    store(hn::NegMulAdd(hn::Mul(weight, load(x)), sum, load(scaled)), out);
  });
}

}  // namespace channels

ChannelLoops channel_loops_table() {
  return {channels::squares, channels::normalize, channels::ratios, channels::gradient};
}

}  // namespace gemel::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gemel::simd {

HWY_EXPORT(channel_loops_table);

const ChannelLoops& channel_loops() {
  static const ChannelLoops table = HWY_DYNAMIC_DISPATCH(channel_loops_table)();
  return table;
}

}  // namespace gemel::simd
#endif
