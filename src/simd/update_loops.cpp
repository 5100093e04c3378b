#include "simd/update_loops.h"

#undef HWY_DISABLED_TARGETS
// Vectors of unknown size cannot be members.
#define HWY_DISABLED_TARGETS \
  (HWY_SSSE3 | HWY_AVX3_DL | HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128 | HWY_RVV)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "simd/update_loops.cpp"
#include <hwy/foreach_target.h>
//
#include <hwy/highway.h>

#include "simd/vector_loops-inl.h"

HWY_BEFORE_NAMESPACE();
namespace gemel::simd::HWY_NAMESPACE {
namespace updates {
namespace hn = hwy::HWY_NAMESPACE;

using Tag = hn::ScalableTag<float>;

struct Lanes {
  hn::Vec<Tag> v;
  HWY_INLINE Lanes() : v(hn::Zero(Tag())) {}
  HWY_INLINE Lanes(hn::Vec<Tag> v) : v(v) {}
  HWY_INLINE explicit Lanes(double value) : v(hn::Set(Tag(), static_cast<float>(value))) {}
};
HWY_INLINE Lanes operator+(Lanes a, Lanes b) { return hn::Add(a.v, b.v); }
HWY_INLINE Lanes operator-(Lanes a, Lanes b) { return hn::Sub(a.v, b.v); }
HWY_INLINE Lanes operator*(Lanes a, Lanes b) { return hn::Mul(a.v, b.v); }
HWY_INLINE Lanes operator/(Lanes a, Lanes b) { return hn::Div(a.v, b.v); }
HWY_INLINE Lanes operator-(Lanes a) { return hn::Neg(a.v); }
HWY_INLINE Lanes square(Lanes a) { return hn::Mul(a.v, a.v); }
HWY_INLINE Lanes sqrt(Lanes a) { return hn::Sqrt(a.v); }
// As the primitive does it: NaN stays.
HWY_INLINE Lanes clip(Lanes a, Lanes low, Lanes high) {
  return hn::IfThenElse(hn::Gt(a.v, high.v), high.v,
                        hn::IfThenElse(hn::Lt(a.v, low.v), low.v, a.v));
}

#include "simd/update_formulas-inl.h"

template <class Formula, bool limited>
void update(const float* const* in, float* const* out, const float* scalars, size_t n) {
  const Tag d;
  const size_t lanes = hn::Lanes(d);
  Lanes s[Formula::scalars];
  for (int k = 0; k < Formula::scalars; ++k) s[k] = hn::Set(d, scalars[k]);
  const auto limit = [&](Lanes gradient)
                         HWY_ATTR { return limited ? clip(gradient, -s[0], s[0]) : gradient; };
  Lanes x[Formula::inputs], y[Formula::outputs];
  size_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    for (int k = 0; k < Formula::inputs; ++k) x[k] = hn::LoadU(d, in[k] + i);
    Formula::apply(x, s, limit, y);
    for (int k = 0; k < Formula::outputs; ++k) hn::StoreU(y[k].v, d, out[k] + i);
  }
  if (i == n) return;
  for (int k = 0; k < Formula::inputs; ++k) x[k] = load_tail(d, in[k] + i, n - i);
  Formula::apply(x, s, limit, y);
  for (int k = 0; k < Formula::outputs; ++k) store_tail(d, y[k].v, out[k] + i, n - i);
}

template <class Formula>
UpdateLoop either(bool limited) {
  return limited ? update<Formula, true> : update<Formula, false>;
}

}  // namespace updates

UpdateLoop find_update_loop(UpdateFormula formula, bool limited) {
  switch (formula) {
    case UpdateFormula::sgd:
      return updates::either<updates::Sgd>(limited);
    case UpdateFormula::momentum:
      return updates::either<updates::Momentum>(limited);
    case UpdateFormula::nesterov:
      return updates::either<updates::Nesterov>(limited);
    case UpdateFormula::adam:
      return updates::either<updates::Adam>(limited);
    case UpdateFormula::rmsprop:
      return updates::either<updates::Rmsprop>(limited);
    case UpdateFormula::none:
      break;
  }
  return nullptr;
}

}  // namespace gemel::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gemel::simd {

HWY_EXPORT(find_update_loop);

UpdateLoop update_loop(UpdateFormula formula, bool limited) {
  return HWY_DYNAMIC_DISPATCH(find_update_loop)(formula, limited);
}

}  // namespace gemel::simd
#endif
