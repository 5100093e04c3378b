// Which operators of one array give zero for zero, so that the result is stored as the array was.
#pragma once
#include <span>
#include <string_view>

#include "base/export.h"
#include "graph/operator.h"

namespace gemel::c_api {

// All that may, by their registered names: those that 1.9.1 treats so, not all that could.
GEMEL_EXPORT std::span<const std::string_view> zero_keeping_operators();

// Whether an operator does with these parameters: scalars and the bounds of `clip` decide.
GEMEL_EXPORT bool keeps_zeros(std::string_view op, const Attributes& attributes);

}  // namespace gemel::c_api
