// Random words and what is decided by them, many at a time, chosen once for the CPU at hand. The
// bits are those of kernels/random.h.
#pragma once
#include <cstddef>
#include <cstdint>

#include "base/export.h"

namespace gemel::simd {

// Philox4x32-10 of the counter values first, first + 1, ...: four words of each, one after the
// other.
GEMEL_EXPORT void philox_words(uint64_t key, uint64_t first, size_t counters, uint32_t* words);

// keep[i] = words[i] >= limit ? 1 : 0; a limit of 2^32 keeps nothing.
GEMEL_EXPORT void keep_from(const uint32_t* words, uint64_t limit, uint8_t* keep, size_t n);
// to[i] = keep[i] ? from[i] * scale : 0; `to` may be `from`.
GEMEL_EXPORT void keep_scaled(const float* from, const uint8_t* keep, float scale, float* to,
                              size_t n);

}  // namespace gemel::simd
