// Products of arrays in float16 and bfloat16: operands become float32, the operator's own float32
// implementation runs, and the result is rounded once.
#pragma once
#include "op/op_info.h"

namespace gemel::kernels {

// For an operator with implementations for float32; goes before them in its list. bfloat16 operands
// lose nothing but subnormal numbers in the kernels that round to it, which are taken where the CPU
// has them, unless fpmath() is `exact`.
Implementation widened();

}  // namespace gemel::kernels
