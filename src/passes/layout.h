// Chooses layouts: convolutions and what lies between them work on blocked arrays
// (op/blocked_form.h), and reorders stand only where a neighbour needs the other layout.
#pragma once
#include <vector>

#include "base/dtype.h"
#include "base/shape.h"
#include "graph/indexed.h"

namespace gemel {

// For graphs that do not train. Heads keep their plain layout and nodes their names; values are
// equal to rounding. `shapes` and `dtypes` hold those of each entry of `graph`, which is not
// changed.
std::vector<Entry> choose_layouts(const IndexedGraph& graph, const std::vector<Entry>& heads,
                                  const std::vector<Shape>& shapes,
                                  const std::vector<DType>& dtypes);

}  // namespace gemel
