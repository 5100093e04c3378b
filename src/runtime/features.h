// What this build has, under the names that MXNet gave its features.
#pragma once
#include <vector>

#include "base/export.h"

namespace gemel::runtime {

struct Feature {
  const char* name;
  bool enabled;
};

// All of 1.9.1's names in its order, then ours.
GEMEL_EXPORT const std::vector<Feature>& features();

}  // namespace gemel::runtime
