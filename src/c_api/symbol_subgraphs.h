// Operators that hold graphs (control flow), composed as 1.9.1's callers do it: graphs first.
#pragma once
#include "c_api/objects.h"

namespace gemel::c_api {

// The call of `op` on symbols of which the first are the graphs that it holds, the others its
// inputs, one output each. Throws Error(Input).
Symbol compose_with_subgraphs(const OpInfo& op, const std::string& name, Attributes attributes,
                              const std::vector<Symbol>& symbols);

}  // namespace gemel::c_api
