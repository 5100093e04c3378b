#include "simd/color_loops.h"

#undef HWY_DISABLED_TARGETS
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_AVX3_DL)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "simd/color_loops.cpp"
#include <hwy/foreach_target.h>
//
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace gemel::simd::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Calls body(d, i) for vectors, then for what is left one by one: with the same operations, so
// that a pixel's value does not depend on its place.
template <typename Body>
void color_loop(size_t n, const Body& body) {
  const hn::ScalableTag<float> d;
  const hn::CappedTag<float, 1> one;
  size_t i = 0;
  for (; i + hn::Lanes(d) <= n; i += hn::Lanes(d)) body(d, i);
  for (; i < n; ++i) body(one, i);
}

template <class D, class V>
V color_limited(D d, V v, const ColorLimits& limits) {
  if (!limits.whole) return v;
  return hn::Trunc(hn::Min(hn::Max(v, hn::Set(d, limits.low)), hn::Set(d, limits.high)));
}

void color_scale(float* v, float scale, float shift, ColorLimits limits, size_t n) {
  color_loop(n, [&](auto d, size_t i) {
    const auto scaled = hn::Add(hn::Mul(hn::LoadU(d, v + i), hn::Set(d, scale)), hn::Set(d, shift));
    hn::StoreU(color_limited(d, scaled, limits), d, v + i);
  });
}

void color_saturate(float* r, float* g, float* b, float factor, ColorLimits limits, size_t n) {
  color_loop(n, [&](auto d, size_t i) {
    const auto x = hn::LoadU(d, r + i), y = hn::LoadU(d, g + i), z = hn::LoadU(d, b + i);
    const auto gray =
        hn::Add(hn::Add(hn::Mul(x, hn::Set(d, 0.299f)), hn::Mul(y, hn::Set(d, 0.587f))),
                hn::Mul(z, hn::Set(d, 0.114f)));
    const auto rest = hn::Mul(gray, hn::Set(d, 1 - factor)), f = hn::Set(d, factor);
    hn::StoreU(color_limited(d, hn::Add(hn::Mul(x, f), rest), limits), d, r + i);
    hn::StoreU(color_limited(d, hn::Add(hn::Mul(y, f), rest), limits), d, g + i);
    hn::StoreU(color_limited(d, hn::Add(hn::Mul(z, f), rest), limits), d, b + i);
  });
}

// Every step is the one of the usual conversion to hue, lightness, saturation and back, because
// integers are cut off at the end.
void color_hue(float* red, float* green, float* blue, float turn, ColorLimits limits, size_t n) {
  color_loop(n, [&](auto d, size_t i) {
    const auto set = [&](float value) { return hn::Set(d, value); };
    const auto zero = hn::Zero(d), one = set(1), two = set(2), six = set(6), byte = set(255);
    const auto r = hn::Div(hn::LoadU(d, red + i), byte), g = hn::Div(hn::LoadU(d, green + i), byte),
               b = hn::Div(hn::LoadU(d, blue + i), byte);
    const auto high = hn::Max(hn::Max(r, g), b), low = hn::Min(hn::Min(r, g), b);
    const auto range = hn::Sub(high, low), sum = hn::Add(high, low);
    const auto light = hn::Mul(sum, set(0.5f));
    const auto colored = hn::Gt(range, set(1.1920929e-7f));
    const auto spread =
        hn::IfThenElse(hn::Lt(light, set(0.5f)), sum, hn::Sub(hn::Sub(two, high), low));
    const auto s = hn::IfThenElse(colored, hn::Div(range, spread), zero);
    const auto degrees = hn::Div(set(60), range);
    auto hue = hn::IfThenElse(
        hn::Eq(high, r), hn::Mul(hn::Sub(g, b), degrees),
        hn::IfThenElse(hn::Eq(high, g), hn::Add(hn::Mul(hn::Sub(b, r), degrees), set(120)),
                       hn::Add(hn::Mul(hn::Sub(r, g), degrees), set(240))));
    hue = hn::IfThenElse(hn::Lt(hue, zero), hn::Add(hue, set(360)), hue);
    hue = hn::IfThenElse(colored, hue, zero);
    // Sixths of the circle, in [0, 6).
    hue = hn::Div(hn::Add(hue, set(turn * 360)), set(60));
    hue = hn::Sub(hue, hn::Mul(hn::Floor(hn::Div(hue, six)), six));
    hue = hn::IfThenElse(hn::Lt(hue, zero), hn::Add(hue, six), hue);
    hue = hn::IfThenElse(hn::Ge(hue, six), hn::Sub(hue, six), hue);
    const auto top = hn::IfThenElse(hn::Le(light, set(0.5f)), hn::Mul(light, hn::Add(one, s)),
                                    hn::Sub(hn::Add(light, s), hn::Mul(light, s)));
    const auto bottom = hn::Sub(hn::Mul(two, light), top);
    const auto sector = hn::Min(hn::Trunc(hue), set(5));
    const auto over = hn::Sub(hue, sector), height = hn::Sub(top, bottom);
    const auto falling = hn::Add(bottom, hn::Mul(height, hn::Sub(one, over)));
    const auto rising = hn::Add(bottom, hn::Mul(height, over));
    // What red has in each sixth of the circle; green is two sixths later, blue four.
    float* const planes[3] = {red, green, blue};
    for (int c = 0; c < 3; ++c) {
      auto k = hn::Sub(sector, set(static_cast<float>(2 * c)));
      k = hn::IfThenElse(hn::Lt(k, zero), hn::Add(k, six), k);
      auto value = hn::IfThenElse(hn::Eq(k, set(4)), rising, bottom);
      value = hn::IfThenElse(hn::Eq(k, one), falling, value);
      value = hn::IfThenElse(hn::Or(hn::Eq(k, zero), hn::Eq(k, set(5))), top, value);
      hn::StoreU(color_limited(d, hn::Mul(value, byte), limits), d, planes[c] + i);
    }
  });
}

float color_sum(const float* v, size_t n) {
  const hn::ScalableTag<float> d;
  auto sum = hn::Zero(d);
  size_t i = 0;
  for (; i + hn::Lanes(d) <= n; i += hn::Lanes(d)) sum = hn::Add(sum, hn::LoadU(d, v + i));
  float total = hn::GetLane(hn::SumOfLanes(d, sum));
  for (; i < n; ++i) total += v[i];
  return total;
}

void color_bytes(const float* r, const float* g, const float* b, uint8_t* to, size_t n) {
  const hn::ScalableTag<float> d;
  const hn::Rebind<int32_t, decltype(d)> d32;
  const hn::Rebind<uint8_t, decltype(d)> d8;
  size_t i = 0;
  for (; i + hn::Lanes(d) <= n; i += hn::Lanes(d)) {
    const auto byte = [&](const float* v) {
      return hn::DemoteTo(d8, hn::ConvertTo(d32, hn::LoadU(d, v + i)));
    };
    hn::StoreInterleaved3(byte(r), byte(g), byte(b), d8, to + 3 * i);
  }
  for (; i < n; ++i) {
    to[3 * i] = static_cast<uint8_t>(r[i]);
    to[3 * i + 1] = static_cast<uint8_t>(g[i]);
    to[3 * i + 2] = static_cast<uint8_t>(b[i]);
  }
}

}  // namespace gemel::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gemel::simd {
HWY_EXPORT(color_scale);
HWY_EXPORT(color_saturate);
HWY_EXPORT(color_hue);
HWY_EXPORT(color_sum);
HWY_EXPORT(color_bytes);

void scale_plane(float* v, float scale, float shift, ColorLimits limits, size_t n) {
  HWY_DYNAMIC_DISPATCH(color_scale)(v, scale, shift, limits, n);
}

void saturate_planes(float* r, float* g, float* b, float factor, ColorLimits limits, size_t n) {
  HWY_DYNAMIC_DISPATCH(color_saturate)(r, g, b, factor, limits, n);
}

void turn_hue(float* r, float* g, float* b, float turn, ColorLimits limits, size_t n) {
  HWY_DYNAMIC_DISPATCH(color_hue)(r, g, b, turn, limits, n);
}

float sum_plane(const float* v, size_t n) { return HWY_DYNAMIC_DISPATCH(color_sum)(v, n); }

void rgb_of_planes(const float* r, const float* g, const float* b, uint8_t* to, size_t n) {
  HWY_DYNAMIC_DISPATCH(color_bytes)(r, g, b, to, n);
}

}  // namespace gemel::simd
#endif  // HWY_ONCE
