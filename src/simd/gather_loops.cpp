#include "simd/gather_loops.h"

#include <algorithm>
#include <type_traits>

#undef HWY_DISABLED_TARGETS
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_AVX3_DL)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "simd/gather_loops.cpp"
#include <hwy/foreach_target.h>
//
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace gemel::simd::HWY_NAMESPACE {
namespace gathering {
namespace hn = hwy::HWY_NAMESPACE;

// As many elements as the tag has lanes. Floats saturate, and the ends are looked for behind that.
template <class D, typename Index>
HWY_INLINE void gather(D d, const uint32_t* from, int32_t last, const Index* index, uint32_t* to) {
  const hn::RebindToSigned<D> di;
  hn::VFromD<decltype(di)> at;
  if constexpr (std::is_same_v<Index, float>)
    at = hn::ConvertTo(di, hn::LoadU(hn::RebindToFloat<D>(), index));
  else
    at = hn::LoadU(di, index);
  at = hn::Max(hn::Min(at, hn::Set(di, last)), hn::Zero(di));
  hn::StoreU(hn::GatherIndex(d, from, at), d, to);
}

template <typename Index>
HWY_INLINE void clipped(const uint32_t* from, int32_t length, const Index* index, uint32_t* to,
                        size_t n) {
  const hn::ScalableTag<uint32_t> d;
  const hn::CappedTag<uint32_t, 1> one;
  const int32_t last = length - 1;
  size_t i = 0;
  for (; i + hn::Lanes(d) <= n; i += hn::Lanes(d)) gather(d, from, last, index + i, to + i);
  for (; i < n; ++i) gather(one, from, last, index + i, to + i);
}

}  // namespace gathering

void integers(const uint32_t* from, int32_t length, const int32_t* index, uint32_t* to, size_t n) {
  gathering::clipped(from, length, index, to, n);
}
void floats(const uint32_t* from, int32_t length, const float* index, uint32_t* to, size_t n) {
  gathering::clipped(from, length, index, to, n);
}

}  // namespace gemel::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gemel::simd {

HWY_EXPORT(integers);
HWY_EXPORT(floats);

void gather_clipped(const uint32_t* from, int32_t length, const int32_t* index, uint32_t* to,
                    size_t n) {
  HWY_DYNAMIC_DISPATCH(integers)(from, length, index, to, n);
}
void gather_clipped(const uint32_t* from, int32_t length, const float* index, uint32_t* to,
                    size_t n) {
  HWY_DYNAMIC_DISPATCH(floats)(from, length, index, to, n);
}

}  // namespace gemel::simd
#endif
