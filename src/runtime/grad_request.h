// What to do with a computed gradient.
#pragma once
#include <cstdint>
#include <string_view>

#include "base/export.h"

namespace gemel {

enum class GradRequest : uint8_t { null = 0, write = 1, add = 3 };       // MXNet's numbers
GEMEL_EXPORT GradRequest grad_request_from_name(std::string_view name);  // throws Error(Input)
GEMEL_EXPORT std::string_view name_of(GradRequest request);

}  // namespace gemel
