// Operators that compute the same from the same are computed once.
#pragma once
#include <vector>

#include "graph/node.h"

namespace gemel {

// Nodes of the same operator with equal parameters and inputs become one; the given nodes are not
// changed. Never merged: what draws random numbers, writes an input, holds graphs, runs a user's
// code, has auxiliary states, or reads what some operator of the graph writes.
GEMEL_EXPORT std::vector<Entry> merge_common_subexpressions(const std::vector<Entry>& heads);

}  // namespace gemel
