// The nodes of autograd's tape.
#pragma once
#include <vector>

#include "array/ndarray.h"
#include "graph/node.h"
#include "runtime/autograd.h"

namespace gemel::runtime {

// A recorded call (or a variable), with the values of its outputs.
struct TapeNode : Node {
  std::vector<NDArray> values;  // per output, without history; empty after the graph was freed
  NDArray gradient;             // variables: where the gradient goes
  GradRequest request = GradRequest::null;
  bool fresh = false;     // variables: backward() has written the gradient
  TapeFunction function;  // record_function(): the backward work
  ReplayFunction replay;
  bool freed = false;
  bool training = false;  // the mode it ran in, which its gradient belongs to
};

// The history of an array: which output of which recorded call it is.
struct TapeEntry : History {
  std::shared_ptr<TapeNode> node;
  int index = 0;
};

// The tape node behind a graph node, null for nodes of a gradient graph.
TapeNode* as_tape_node(const Node* node);
const TapeEntry* tape_entry(const NDArray& array);

// The operator of record_function() nodes; its gradient is a node of `function_backward_operator`,
// whose first input is the recorded node itself and whose others are the head gradients.
const OpInfo& function_operator();
const OpInfo& function_backward_operator();

}  // namespace gemel::runtime
