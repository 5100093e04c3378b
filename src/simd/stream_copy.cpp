#include "simd/stream_copy.h"

#include <algorithm>
#include <cstring>

#undef HWY_DISABLED_TARGETS
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_AVX3_DL)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "simd/stream_copy.cpp"
#include <hwy/foreach_target.h>
//
#include <hwy/cache_control.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace gemel::simd::HWY_NAMESPACE {
namespace streams {
namespace hn = hwy::HWY_NAMESPACE;

void copy(const void* from_memory, void* to_memory, size_t bytes) {
  const hn::ScalableTag<uint8_t> d;
  const size_t lanes = hn::Lanes(d), line = 64;
  const auto* from = static_cast<const uint8_t*>(from_memory);
  auto* to = static_cast<uint8_t*>(to_memory);
  size_t at = std::min(bytes, (line - reinterpret_cast<uintptr_t>(to) % line) % line);
  std::memcpy(to, from, at);
  // Whole lines only: a part of one would be fetched after all.
  for (; at + line <= bytes; at += line)
    for (size_t i = 0; i < line; i += lanes)
      hn::Stream(hn::LoadU(d, from + at + i), d, to + at + i);
  std::memcpy(to + at, from + at, bytes - at);
}

}  // namespace streams

void copy_past_caches(const void* from, void* to, size_t bytes) { streams::copy(from, to, bytes); }

}  // namespace gemel::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gemel::simd {

HWY_EXPORT(copy_past_caches);

void stream_copy(const void* from, void* to, size_t bytes) {
  HWY_DYNAMIC_DISPATCH(copy_past_caches)(from, to, bytes);
}
void finish_streams() { hwy::FlushStream(); }

}  // namespace gemel::simd
#endif
