// Type rule of operators that take floating-point arrays only: all inputs and outputs of one such
// type.
#pragma once
#include "op/registry.h"

namespace gemel {

inline void floating_type(TypeContext& c) {
  same_type(c);
  GEMEL_CHECK(c.out[0] == DType::none || is_floating(c.out[0]),
              "[{}] expected a floating-point dtype, got {}; cast the data first", c.op.name(),
              name_of(c.out[0]));
}

}  // namespace gemel
