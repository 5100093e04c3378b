// The axes of a reduction: parameters that reductions share, and what follows from them.
#pragma once
#include <optional>
#include <string_view>

#include "op/parameters.h"

namespace gemel {

struct ReduceParameters : Parameters {
  std::optional<Shape> axis;  // none or (): all
  bool keepdims = false;
  bool exclude = false;  // reduce the axes that are not named
  static void declare(Fields<ReduceParameters>& f) {
    Field& axes = f.field("axis", &ReduceParameters::axis)
                      .fallback("None")
                      .doc("Axes to reduce; all by default. Negative ones count from the end.");
    axes.type = "Shape or None";
    f.field("keepdims", &ReduceParameters::keepdims)
        .fallback("0")
        .doc("Keep reduced axes with length 1.");
    f.field("exclude", &ReduceParameters::exclude)
        .fallback("0")
        .doc("Reduce all axes but those named.");
  }
};

// Bit i: axis i of an array of `ndim` axes is reduced. Throws for axes out of range or named twice.
uint32_t reduced_axes(const std::optional<Shape>& axis, bool exclude, int ndim,
                      std::string_view who);

// The shape that remains; reducing every axis without keepdims leaves (1,), as in 1.9.1.
Shape reduced_shape(const Shape& shape, uint32_t axes, bool keepdims);

}  // namespace gemel
