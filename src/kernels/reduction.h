// The reductions that there are.
#pragma once
#include <cstdint>

namespace gemel::kernels {

enum class Reduction : uint8_t { sum, mean, prod, max, min, nansum, nanprod, norm1, norm2 };

}  // namespace gemel::kernels
