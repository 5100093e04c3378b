// Philox4x32-10 (Salmon et al. 2011): a counter turned into random bits, so that element i of a
// stream is the same whoever computes it. One counter value gives four 32-bit words.
#pragma once
#include <array>
#include <cmath>
#include <cstdint>
#include <numbers>

#include "simd/random_loops.h"

namespace gemel::kernels {

using PhiloxBlock = std::array<uint32_t, 4>;

inline PhiloxBlock philox(PhiloxBlock counter, std::array<uint32_t, 2> key) {
  for (int round = 0; round < 10; ++round) {
    const uint64_t a = uint64_t{0xD2511F53u} * counter[0], b = uint64_t{0xCD9E8D57u} * counter[2];
    counter = {static_cast<uint32_t>(b >> 32) ^ counter[1] ^ key[0], static_cast<uint32_t>(b),
               static_cast<uint32_t>(a >> 32) ^ counter[3] ^ key[1], static_cast<uint32_t>(a)};
    key[0] += 0x9E3779B9u;
    key[1] += 0xBB67AE85u;
  }
  return counter;
}

// The numbers of one stream. Number `index` owns one counter value, that is 128 bits.
class Philox {
 public:
  Philox(uint64_t seed, uint64_t offset)
      : key_{static_cast<uint32_t>(seed), static_cast<uint32_t>(seed >> 32)}, offset_(offset) {}

  // `draw` tells apart the blocks of one number that needs several.
  PhiloxBlock bits(uint64_t index, uint32_t draw = 0) const {
    const uint64_t at = offset_ + index;
    return philox({static_cast<uint32_t>(at), static_cast<uint32_t>(at >> 32), draw, 0}, key_);
  }
  // The words of `count` numbers from `index` on, four of each.
  void words(uint64_t index, size_t count, uint32_t* to) const {
    simd::philox_words(uint64_t{key_[1]} << 32 | key_[0], offset_ + index, count, to);
  }
  uint64_t bits64(uint64_t index) const {
    const PhiloxBlock b = bits(index);
    return uint64_t{b[1]} << 32 | b[0];
  }

 private:
  std::array<uint32_t, 2> key_;
  uint64_t offset_;
};

// [0, 1) with 24 and 53 random bits.
inline float unit_float(uint32_t bits) { return static_cast<float>(bits >> 8) * 0x1p-24f; }
inline double unit_double(uint64_t bits) { return static_cast<double>(bits >> 11) * 0x1p-53; }

// Two independent normal numbers (Box-Muller) from two words.
inline std::array<float, 2> normal_pair(uint32_t a, uint32_t b) {
  const float radius = std::sqrt(-2 * std::log((static_cast<float>(a >> 8) + 1) * 0x1p-24f));
  const float angle = static_cast<float>(2 * std::numbers::pi) * unit_float(b);
  return {radius * std::cos(angle), radius * std::sin(angle)};
}
inline std::array<double, 2> normal_pair(uint64_t a, uint64_t b) {
  const double radius = std::sqrt(-2 * std::log((static_cast<double>(a >> 11) + 1) * 0x1p-53));
  const double angle = 2 * std::numbers::pi * unit_double(b);
  return {radius * std::cos(angle), radius * std::sin(angle)};
}

// An integer in [0, range); range 0 stands for 2^64. The bias is below range / 2^64.
inline uint64_t bounded(uint64_t bits, uint64_t range) {
  return range ? static_cast<uint64_t>((static_cast<unsigned __int128>(bits) * range) >> 64) : bits;
}

}  // namespace gemel::kernels
