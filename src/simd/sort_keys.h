// Ascending sorts of unsigned keys with vectors (Highway's VQSort). The result is the same on every
// CPU, since equal keys cannot be told apart.
#pragma once
#include <cstddef>
#include <cstdint>

namespace gemel::simd {

void sort_keys(uint32_t* keys, size_t n);
void sort_keys(uint64_t* keys, size_t n);

}  // namespace gemel::simd
