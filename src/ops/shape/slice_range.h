// The ranges of slice and its kin: begin, end and step of each axis, any of them None.
#pragma once
#include <optional>
#include <vector>

#include "base/export.h"
#include "base/shape.h"

namespace gemel {

using OptionalAxes = std::vector<std::optional<int64_t>>;

struct SliceRange {
  Shape begin, step, size;  // for every axis; begin is in range unless size is 0
};

// Clamps to the array as Python does. Axes beyond the given ones are taken whole; an unknown axis
// that is not taken whole gives an unknown size. Throws for a step of 0 and for too many axes.
GEMEL_EXPORT SliceRange resolve_slice(const Shape& shape, const OptionalAxes& begin,
                                      const OptionalAxes& end, const OptionalAxes& step,
                                      std::string_view who);

}  // namespace gemel
