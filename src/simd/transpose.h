// Transposes of matrices of 32-bit and 64-bit elements in vector registers, chosen once for the CPU
// at hand.
#pragma once
#include <cstddef>
#include <cstdint>

namespace gemel::simd {

// to[r * to_step + c] = from[c * from_step + r] for r < rows, c < columns. The memory must not
// overlap. `streaming`: whole vectors bypass the caches; `to` and the rows behind it must begin at
// multiples of 64 bytes.
template <typename T>
using Transpose = void (*)(const T* from, ptrdiff_t from_step, T* to, ptrdiff_t to_step,
                           size_t rows, size_t columns, bool streaming);

template <typename T>
Transpose<T> transpose_function();
template <>
Transpose<uint32_t> transpose_function<uint32_t>();
template <>
Transpose<uint64_t> transpose_function<uint64_t>();

}  // namespace gemel::simd
