// Constant folding: what depends on no variable's values is computed once, before the graph runs.
#pragma once
#include <functional>
#include <vector>

#include "base/dtype.h"
#include "base/shape.h"
#include "graph/indexed.h"
#include "op/op_info.h"

namespace gemel {

// Values, and those that lead to them, are folded up to this size each, and this much in one graph:
// a graph never holds much more than it did, and sums of huge constants are left to the run.
constexpr int64_t largest_folded_bytes = 64 << 10;
constexpr int64_t folded_bytes_in_a_graph = 4 << 20;

// Runs one call on the calling thread: chooses the kernel that the graph's run would take.
using RunCall = std::function<void(const Node& node, const OpCall& call)>;

// The heads of an equal graph in which expressions of constants (_zeros, _arange, shapes of inputs
// and so on) are `_constant` nodes. `shapes` and `dtypes` hold those of each entry of `graph`. Only
// pure operators are folded: none that draws, writes or runs user code. A single operator without
// inputs stays as it is. The given graph is not changed; the same heads come back where nothing
// was found.
std::vector<Entry> fold_constants(const IndexedGraph& graph, const std::vector<Entry>& heads,
                                  const std::vector<Shape>& shapes,
                                  const std::vector<DType>& dtypes, bool training,
                                  const RunCall& run);

}  // namespace gemel
