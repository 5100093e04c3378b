// 16-bit floats to and from float, with vectors where the CPU converts them itself.
#pragma once
#include <cstddef>

namespace gemel::simd {

void float_from_float16(const void* from, float* to, size_t n);
void float_from_bfloat16(const void* from, float* to, size_t n);
void float16_from_float(const float* from, void* to, size_t n);
void bfloat16_from_float(const float* from, void* to, size_t n);

}  // namespace gemel::simd
