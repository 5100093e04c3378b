// The graph that training runs in place of a symbol's: nodes in the form whose backward pass keeps
// least.
#pragma once
#include <vector>

#include "graph/node.h"

namespace gemel {

// Equal heads, bit for bit. Nodes without another form and without a changed input stay as they
// are; the given graph is not changed.
std::vector<Entry> training_form(const std::vector<Entry>& heads);

}  // namespace gemel
