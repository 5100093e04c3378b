#include "simd/random_loops.h"

#include <algorithm>
#include <array>
#include <limits>

#undef HWY_DISABLED_TARGETS
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_AVX3_DL)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "simd/random_loops.cpp"
#include <hwy/foreach_target.h>
//
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace gemel::simd::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using Word = hn::ScalableTag<uint32_t>;

void one_counter(uint64_t key, uint64_t counter, uint32_t* words) {
  std::array<uint32_t, 4> c = {static_cast<uint32_t>(counter), static_cast<uint32_t>(counter >> 32),
                               0, 0};
  uint32_t low = static_cast<uint32_t>(key), high = static_cast<uint32_t>(key >> 32);
  for (int round = 0; round < 10; ++round) {
    const uint64_t a = uint64_t{0xD2511F53u} * c[0], b = uint64_t{0xCD9E8D57u} * c[2];
    c = {static_cast<uint32_t>(b >> 32) ^ c[1] ^ low, static_cast<uint32_t>(b),
         static_cast<uint32_t>(a >> 32) ^ c[3] ^ high, static_cast<uint32_t>(a)};
    low += 0x9E3779B9u;
    high += 0xBB67AE85u;
  }
  std::copy_n(c.data(), 4, words);
}

#if HWY_TARGET != HWY_SCALAR
using Lanes = hn::Vec<Word>;

// low and high half of each lane's product with `factor`.
HWY_INLINE void multiply(Lanes x, Lanes factor, Lanes& low, Lanes& high) {
  const Word d;
  const hn::RepartitionToWide<Word> wide;
  const auto even = hn::MulEven(x, factor);
  const auto odd = hn::MulEven(hn::BitCast(d, hn::ShiftRight<32>(hn::BitCast(wide, x))), factor);
  low = hn::OddEven(hn::BitCast(d, hn::ShiftLeft<32>(odd)), hn::BitCast(d, even));
  high = hn::OddEven(hn::BitCast(d, odd), hn::BitCast(d, hn::ShiftRight<32>(even)));
}
#endif

void words(uint64_t key, uint64_t first, size_t counters, uint32_t* to) {
  size_t i = 0;
#if HWY_TARGET != HWY_SCALAR
  const Word d;
  const size_t lanes = hn::Lanes(d);
  const Lanes factor_a = hn::Set(d, 0xD2511F53u), factor_b = hn::Set(d, 0xCD9E8D57u);
  for (; i + lanes <= counters; i += lanes) {
    const uint64_t at = first + i;
    const auto low = static_cast<uint32_t>(at);
    // The counters' lower halves must not wrap around within one vector.
    if (low > std::numeric_limits<uint32_t>::max() - lanes) break;
    Lanes c0 = hn::Iota(d, low), c1 = hn::Set(d, static_cast<uint32_t>(at >> 32));
    Lanes c2 = hn::Zero(d), c3 = hn::Zero(d);
    uint32_t key_low = static_cast<uint32_t>(key), key_high = static_cast<uint32_t>(key >> 32);
    for (int round = 0; round < 10; ++round) {
      Lanes a_low, a_high, b_low, b_high;
      multiply(c0, factor_a, a_low, a_high);
      multiply(c2, factor_b, b_low, b_high);
      c0 = hn::Xor(hn::Xor(b_high, c1), hn::Set(d, key_low));
      c1 = b_low;
      c2 = hn::Xor(hn::Xor(a_high, c3), hn::Set(d, key_high));
      c3 = a_low;
      key_low += 0x9E3779B9u;
      key_high += 0xBB67AE85u;
    }
    hn::StoreInterleaved4(c0, c1, c2, c3, d, to + 4 * i);
  }
#endif
  for (; i < counters; ++i) one_counter(key, first + i, to + 4 * i);
}

void flags(const uint32_t* words, uint64_t limit, uint8_t* keep, size_t n) {
  if (limit > std::numeric_limits<uint32_t>::max()) {
    std::fill_n(keep, n, uint8_t{0});
    return;
  }
  const auto least = static_cast<uint32_t>(limit);
  size_t i = 0;
#if HWY_TARGET != HWY_SCALAR
  const Word d;
  const hn::RebindToSigned<Word> number;
  const hn::Rebind<uint8_t, Word> byte;
  const auto bound = hn::Set(d, least), one = hn::Set(d, 1u);
  for (; i + hn::Lanes(d) <= n; i += hn::Lanes(d)) {
    const auto word = hn::LoadU(d, words + i);
    const auto kept = hn::IfThenElseZero(hn::Eq(hn::Max(word, bound), word), one);
    hn::StoreU(hn::DemoteTo(byte, hn::BitCast(number, kept)), byte, keep + i);
  }
#endif
  for (; i < n; ++i) keep[i] = words[i] >= least;
}

void scaled(const float* from, const uint8_t* keep, float scale, float* to, size_t n) {
  size_t i = 0;
#if HWY_TARGET != HWY_SCALAR
  const hn::ScalableTag<float> d;
  const hn::RebindToSigned<decltype(d)> number;
  const hn::Rebind<uint8_t, decltype(number)> byte;
  const auto factor = hn::Set(d, scale);
  for (; i + hn::Lanes(d) <= n; i += hn::Lanes(d)) {
    const auto flag = hn::PromoteTo(number, hn::LoadU(byte, keep + i));
    const auto kept = hn::RebindMask(d, hn::Gt(flag, hn::Zero(number)));
    hn::StoreU(hn::IfThenElseZero(kept, hn::Mul(hn::LoadU(d, from + i), factor)), d, to + i);
  }
#endif
  for (; i < n; ++i) to[i] = keep[i] ? from[i] * scale : 0;
}

}  // namespace gemel::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gemel::simd {

HWY_EXPORT(words);
HWY_EXPORT(flags);
HWY_EXPORT(scaled);

void philox_words(uint64_t key, uint64_t first, size_t counters, uint32_t* to) {
  HWY_DYNAMIC_DISPATCH(words)(key, first, counters, to);
}
void keep_from(const uint32_t* words, uint64_t limit, uint8_t* keep, size_t n) {
  HWY_DYNAMIC_DISPATCH(flags)(words, limit, keep, n);
}
void keep_scaled(const float* from, const uint8_t* keep, float scale, float* to, size_t n) {
  HWY_DYNAMIC_DISPATCH(scaled)(from, keep, scale, to, n);
}

}  // namespace gemel::simd
#endif
