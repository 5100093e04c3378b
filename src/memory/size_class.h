// Size classes of the pool: multiples of 64 bytes up to 256, then four to an octave, so that a
// block wastes at most a fifth of its capacity.
#pragma once
#include <bit>
#include <cstdint>

namespace gemel::memory {

inline constexpr int64_t alignment = 64;
inline constexpr int64_t max_bytes = int64_t{1} << 47;
// Blocks of the first `small_classes` classes (up to 56 KiB) are cut from chunks and cached per
// thread; the others are mapped one by one.
inline constexpr int small_classes = 35;
inline constexpr int class_count = 160;

// bytes > 0
constexpr int class_of(int64_t bytes) {
  const uint64_t last = static_cast<uint64_t>(bytes - 1) >> 6;  // in units of 64
  if (last < 4) return static_cast<int>(last);
  const int shift = std::bit_width(last) - 3;  // two bits below the leading one
  return 4 * shift + static_cast<int>(last >> shift);
}
constexpr int64_t class_capacity(int size_class) {
  if (size_class < 4) return (size_class + 1) * alignment;
  const int shift = size_class / 4 - 1;
  return static_cast<int64_t>(((size_class & 3) + 4) + 1) * alignment << shift;
}

}  // namespace gemel::memory
