#include "simd/convert_half.h"

#include "base/dtype.h"

#undef HWY_DISABLED_TARGETS
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_AVX3_DL)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "simd/convert_half.cpp"
#include <hwy/foreach_target.h>
//
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace gemel::simd::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Highway rounds to nearest in float16 conversions where the CPU has them (F16C); elsewhere plain
// code.
inline constexpr bool has_float16 = HWY_TARGET == HWY_AVX2 || HWY_TARGET == HWY_AVX3;

void float_from_float16(const void* from, float* to, size_t n) {
  size_t i = 0;
  if constexpr (has_float16) {
    const hn::ScalableTag<float> d;
    const hn::Rebind<hwy::float16_t, decltype(d)> narrow;
    const auto* source = static_cast<const hwy::float16_t*>(from);
    for (; i + hn::Lanes(d) <= n; i += hn::Lanes(d))
      hn::StoreU(hn::PromoteTo(d, hn::LoadU(narrow, source + i)), d, to + i);
  }
  const float16* source = static_cast<const float16*>(from);
  for (; i < n; ++i) to[i] = source[i];
}

void float16_from_float(const float* from, void* to, size_t n) {
  size_t i = 0;
  if constexpr (has_float16) {
    const hn::ScalableTag<float> d;
    const hn::Rebind<hwy::float16_t, decltype(d)> narrow;
    auto* target = static_cast<hwy::float16_t*>(to);
    for (; i + hn::Lanes(d) <= n; i += hn::Lanes(d))
      hn::StoreU(hn::DemoteTo(narrow, hn::LoadU(d, from + i)), narrow, target + i);
  }
  float16* target = static_cast<float16*>(to);
  for (; i < n; ++i) target[i] = float16(from[i]);
}

void float_from_bfloat16(const void* from, float* to, size_t n) {
  const hn::ScalableTag<float> d;
  const hn::RebindToUnsigned<decltype(d)> bits;
  const hn::Rebind<uint16_t, decltype(d)> narrow;
  const uint16_t* source = static_cast<const uint16_t*>(from);
  size_t i = 0;
  for (; i + hn::Lanes(d) <= n; i += hn::Lanes(d)) {
    const auto wide = hn::PromoteTo(bits, hn::LoadU(narrow, source + i));
    hn::StoreU(hn::BitCast(d, hn::ShiftLeft<16>(wide)), d, to + i);
  }
  for (; i < n; ++i) to[i] = static_cast<const bfloat16*>(from)[i];
}

void bfloat16_from_float(const float* from, void* to, size_t n) {
  const hn::ScalableTag<float> d;
  const hn::RebindToSigned<decltype(d)> bits;
  const hn::Rebind<uint16_t, decltype(d)> narrow;
  uint16_t* target = static_cast<uint16_t*>(to);
  size_t i = 0;
  for (; i + hn::Lanes(d) <= n; i += hn::Lanes(d)) {
    const auto value = hn::LoadU(d, from + i);
    const auto u = hn::BitCast(hn::RebindToUnsigned<decltype(d)>(), value);
    const hn::RebindToUnsigned<decltype(d)> du;
    const auto even = hn::And(hn::ShiftRight<16>(u), hn::Set(du, 1));
    const auto rounded = hn::Add(u, hn::Add(even, hn::Set(du, 0x7fff)));
    const auto quiet = hn::Or(u, hn::Set(du, 0x400000));  // rounding could turn NaN into infinity
    const auto chosen = hn::IfThenElse(hn::RebindMask(du, hn::IsNaN(value)), quiet, rounded);
    hn::StoreU(hn::DemoteTo(narrow, hn::BitCast(bits, hn::ShiftRight<16>(chosen))), narrow,
               target + i);
  }
  for (; i < n; ++i) static_cast<bfloat16*>(to)[i] = bfloat16(from[i]);
}

}  // namespace gemel::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gemel::simd {

HWY_EXPORT(float_from_float16);
HWY_EXPORT(float_from_bfloat16);
HWY_EXPORT(float16_from_float);
HWY_EXPORT(bfloat16_from_float);

void float_from_float16(const void* from, float* to, size_t n) {
  HWY_DYNAMIC_DISPATCH(float_from_float16)(from, to, n);
}
void float_from_bfloat16(const void* from, float* to, size_t n) {
  HWY_DYNAMIC_DISPATCH(float_from_bfloat16)(from, to, n);
}
void float16_from_float(const float* from, void* to, size_t n) {
  HWY_DYNAMIC_DISPATCH(float16_from_float)(from, to, n);
}
void bfloat16_from_float(const float* from, void* to, size_t n) {
  HWY_DYNAMIC_DISPATCH(bfloat16_from_float)(from, to, n);
}

}  // namespace gemel::simd
#endif
