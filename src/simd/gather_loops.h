// Elements of four bytes taken from an array by index, in vectors, chosen once for the CPU at hand.
#pragma once
#include <cstddef>
#include <cstdint>

namespace gemel::simd {

// to[k] = from[index[k]], where an index outside of 0 .. length - 1 takes the nearest end; length >
// 0. Fractions of float indices are dropped.
void gather_clipped(const uint32_t* from, int32_t length, const int32_t* index, uint32_t* to,
                    size_t n);
void gather_clipped(const uint32_t* from, int32_t length, const float* index, uint32_t* to,
                    size_t n);

}  // namespace gemel::simd
