// The backward pass of a symbol as a graph of its own: what it computes, and what it needs from the
// forward pass.
#pragma once
#include <vector>

#include "graph/symbol.h"
#include "op/gradient.h"

namespace gemel::runtime {

struct BackwardGraph {
  std::vector<Entry> gradients;         // beside the variables asked for
  std::vector<NodeRef> head_gradients;  // a variable per output; null where the output ignores it
  std::vector<Entry> saved;             // forward values that the backward pass reads
  std::vector<NodeRef> saved_placeholders;  // variables that stand for them in `gradients`
  // What each node passes on to its inputs on the way to `gradients`, where asked.
  std::vector<NodeGradient> by_node;
};

// `variables` are variable nodes of the symbol.
BackwardGraph make_backward_graph(const Symbol& symbol, const std::vector<NodeRef>& variables,
                                  bool by_node = false);

}  // namespace gemel::runtime
