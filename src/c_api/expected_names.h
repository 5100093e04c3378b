// Names that bindings ask for when they load, whether or not what they name exists yet. From
// api/c_api.json.
#pragma once
#include <vector>

namespace gemel::c_api {

extern const std::vector<const char*> expected_operators;
extern const std::vector<const char*> expected_iterators;

}  // namespace gemel::c_api
