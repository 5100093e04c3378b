// Sorts of numbers with vectors (Highway's VQSort): no NaN among them. Equal elements cannot be
// told apart, but for zeros of different sign, of which one may come out as the other.
#pragma once
#include <cstddef>
#include <cstdint>

namespace gemel::simd {

// Types that can be sorted so: float, double (where the CPU's vectors have it), int32_t, int64_t,
// uint32_t, uint64_t.
bool sorts_double();
template <typename T>
void sort_keys(T* keys, size_t n, bool ascending = true);

}  // namespace gemel::simd
