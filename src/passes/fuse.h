// Pointwise fusion: chains and trees of pointwise operators become one `_pointwise` node each, so
// that they cost one pass over memory.
#pragma once
#include <vector>

#include "base/dtype.h"
#include "base/shape.h"
#include "graph/indexed.h"

namespace gemel {

// The heads of an equal graph with fewer nodes. `shapes` and `dtypes` hold what is known of each
// entry of `graph`. A fused node computes everything that is needed outside of it; its bits are
// those of the nodes it replaces, since intermediates are rounded to their dtype. Nodes that read a
// variable which some node writes stay as they are. Variables keep their identity, so do nodes that
// nothing changes for; the given graph is not changed.
std::vector<Entry> fuse_pointwise(const IndexedGraph& graph, const std::vector<Entry>& heads,
                                  const std::vector<Shape>& shapes,
                                  const std::vector<DType>& dtypes);

}  // namespace gemel
