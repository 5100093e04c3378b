// The product of packed operands (simd/packed_product.h) rounded to bfloat16, with float32 sums: an
// instruction multiplies and adds two steps of k at once, where the CPU has it (AVX512-BF16).
//
//   pack_left(m, k, a, left);  bfloat16_left(m, k, left);    // in place, group by group
//   pack_right(k, n, b, right);  bfloat16_right(k, n, right);
//   bfloat16_product(q);                                     // as packed_product(q)
//
// Rounding is to nearest even; numbers that are subnormal, as operands or as results of a step,
// count as 0; infinities and NaN go their way.
#pragma once
#include "simd/packed_product.h"

namespace gemel::simd {

// Whether this CPU has the instruction and the setting `instruction_set` allows it; nothing below
// may be called otherwise.
GEMEL_EXPORT bool has_bfloat16_product();

GEMEL_EXPORT void bfloat16_left(int64_t m, int64_t k, float* packed);
GEMEL_EXPORT void bfloat16_right(int64_t k, int64_t n, float* packed);
GEMEL_EXPORT void bfloat16_product(const PackedProduct& product);

}  // namespace gemel::simd
