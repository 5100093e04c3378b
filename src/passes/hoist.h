// Hoisting: what depends on parameters only is taken out of a graph, so that runs that find the
// same parameters need not compute it again.
#pragma once
#include <vector>

#include "base/dtype.h"
#include "base/shape.h"
#include "graph/indexed.h"
#include "passes/parameters.h"

namespace gemel {

struct HoistedGraph {
  std::vector<Entry> heads;     // an equal graph that reads a variable in place of each value
  std::vector<Entry> values;    // expressions of parameters alone
  std::vector<NodeRef> places;  // beside values: the variable that stands for each
};

// Values are hoisted that something else reads and that a kernel computes: no views of a parameter,
// and nothing many times larger than what it is computed from (a bias that was spread over a batch,
// say). Only pure operators are: none that draws, writes or runs user code. `shapes` and `dtypes`
// hold those of each entry of `graph`. The given graph is not changed.
HoistedGraph hoist(const IndexedGraph& graph, const std::vector<Entry>& heads,
                   const std::vector<Shape>& shapes, const std::vector<DType>& dtypes,
                   const passes::ParameterSet& parameters);

// Whether each node of the graph is pure and depends on parameters and constants alone; by node.
std::vector<char> steady_nodes(const IndexedGraph& graph, const passes::ParameterSet& parameters);

}  // namespace gemel
