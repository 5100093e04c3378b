// The graphs that training runs for a symbol: its outputs in training form, the backward pass as a
// graph of its own, and what that needs from the forward pass.
#pragma once
#include <functional>
#include <string_view>
#include <vector>

#include "graph/symbol.h"
#include "op/gradient.h"
#include "passes/training_model.h"

namespace gemel::runtime {

struct BackwardGraph {
  std::vector<Entry> outputs;           // the symbol's, as training computes them
  std::vector<Entry> gradients;         // beside the variables asked for
  std::vector<NodeRef> head_gradients;  // a variable per output; null where the output ignores it
  std::vector<SavedValue> saved;        // forward values that the backward pass reads
  // What each node passes on to its inputs on the way to `gradients`, where asked.
  std::vector<NodeGradient> by_node;
  // With a budget: the bytes that live at one time as far as the choice could tell, and what is
  // computed again beyond the usual as a share of the forward pass.
  int64_t expected_bytes = 0;
  double repeated_work = 0;
};

struct BackwardOptions {
  KnownInputs known;                // with them, less is kept as settings.recompute says
  std::string_view recompute = {};  // instead of the setting; empty: as it says
  int64_t budget = -1;   // bytes that may live at one time, with whatever work it takes; -1: none
  bool by_node = false;  // fill in `by_node`; the outputs are then the symbol's own nodes
};

// `variables` are variable nodes of the symbol.
BackwardGraph make_backward_graph(const Symbol& symbol, const std::vector<NodeRef>& variables,
                                  const BackwardOptions& options = {});

// The graph that repeats the least work among those whose plan takes no more than `budget` bytes.
// `planned` makes the plan of a graph and tells its bytes; the last call is for the result. Throws
// Error(Input) that tells the least that can be reached.
BackwardGraph backward_graph_within(int64_t budget, const Symbol& symbol,
                                    const std::vector<NodeRef>& variables, BackwardOptions options,
                                    const std::function<int64_t(const BackwardGraph&)>& planned);

}  // namespace gemel::runtime
