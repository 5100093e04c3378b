// MXNet's reshape codes.
#pragma once
#include "base/export.h"
#include "base/shape.h"

namespace gemel {

// The shape that `codes` (0, -1, -2, -3, -4 and sizes) ask for. `in` must be known. Sizes are not
// compared: that is the caller's part.
GEMEL_EXPORT Shape resolve_reshape(const Shape& in, const Shape& codes, bool reverse);

}  // namespace gemel
