// Which inputs of a graph are its parameters: what a model learned, as against what it is fed.
#pragma once
#include <unordered_set>
#include <vector>

#include "graph/node.h"

namespace gemel::passes {

using ParameterSet = std::unordered_set<const Node*>;

// The variables that are read as weight, bias, scale or statistics wherever they are read: by an
// operator that has an input of such a name, or by a cast or another rearrangement of one input
// that is read so itself. What some operator writes is none.
ParameterSet parameters_of(const std::vector<Entry>& heads);

}  // namespace gemel::passes
