// The graphs that training runs for a symbol: its outputs in training form, the backward pass as a
// graph of its own, and what that needs from the forward pass.
#pragma once
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/dtype.h"
#include "base/shape.h"
#include "graph/symbol.h"
#include "op/gradient.h"
#include "passes/recompute.h"

namespace gemel::runtime {

struct BackwardGraph {
  std::vector<Entry> outputs;           // the symbol's, as training computes them
  std::vector<Entry> gradients;         // beside the variables asked for
  std::vector<NodeRef> head_gradients;  // a variable per output; null where the output ignores it
  std::vector<SavedValue> saved;        // forward values that the backward pass reads
  // What each node passes on to its inputs on the way to `gradients`, where asked.
  std::vector<NodeGradient> by_node;
};

// Shape and dtype of the symbol's variables.
using KnownInputs = std::unordered_map<const Node*, std::pair<Shape, DType>>;

struct BackwardOptions {
  KnownInputs known;                // with them, less is kept as settings.recompute says
  std::string_view recompute = {};  // instead of the setting; empty: as it says
  bool by_node = false;  // fill in `by_node`; the outputs are then the symbol's own nodes
};

// `variables` are variable nodes of the symbol.
BackwardGraph make_backward_graph(const Symbol& symbol, const std::vector<NodeRef>& variables,
                                  const BackwardOptions& options = {});

}  // namespace gemel::runtime
