#include "ops/reduce/axes.h"

namespace gemel {

uint32_t reduced_axes(const std::optional<Shape>& axis, bool exclude, int ndim,
                      std::string_view who) {
  const uint32_t all = (1u << ndim) - 1;
  if (!axis || axis->ndim() <= 0) return all;
  uint32_t bits = 0;
  for (int64_t a : *axis) {
    const uint32_t bit = 1u << normalize_axis(a, ndim, who);
    GEMEL_CHECK(!(bits & bit), "[{}] expected different axes, got {} in {}", who, a, *axis);
    bits |= bit;
  }
  return exclude ? all & ~bits : bits;
}

Shape reduced_shape(const Shape& shape, uint32_t axes, bool keepdims) {
  Shape result;
  for (int i = 0; i < shape.ndim(); ++i) {
    if (!(axes >> i & 1))
      result.push_back(shape[i]);
    else if (keepdims)
      result.push_back(1);
  }
  if (result.ndim() == 0) result.push_back(1);
  return result;
}

}  // namespace gemel
