#include "simd/convert_half.h"

#include "base/dtype.h"

namespace gemel::simd {

void float_from_float16(const void* from, float* to, size_t n) {
  const float16* source = static_cast<const float16*>(from);
  for (size_t i = 0; i < n; ++i) to[i] = source[i];
}
void float_from_bfloat16(const void* from, float* to, size_t n) {
  const bfloat16* source = static_cast<const bfloat16*>(from);
  for (size_t i = 0; i < n; ++i) to[i] = source[i];
}
void float16_from_float(const float* from, void* to, size_t n) {
  float16* target = static_cast<float16*>(to);
  for (size_t i = 0; i < n; ++i) target[i] = float16(from[i]);
}
void bfloat16_from_float(const float* from, void* to, size_t n) {
  bfloat16* target = static_cast<bfloat16*>(to);
  for (size_t i = 0; i < n; ++i) target[i] = bfloat16(from[i]);
}

}  // namespace gemel::simd
