// Reverse-mode differentiation of a graph by a graph.
#pragma once
#include <functional>
#include <vector>

#include "op/op_info.h"

namespace gemel {

// The gradient of sum(heads * head_gradients) with respect to each of `variables`, which may be any
// entries of the graph. An empty head gradient (or none at all) means ones; operators that ignore
// their head gradient (losses) do not get one. A variable that no head depends on gets zeros.
// Only nodes between variables and heads are differentiated; one of them without a gradient rule is
// Error(Input) that names it. The forward nodes are not changed.
// `by_node`, where given, gets each differentiated node with what it passed on to its inputs (an
// empty entry where nothing), the last node first.
struct NodeGradient {
  NodeRef node;
  std::vector<Entry> inputs;
};
GEMEL_EXPORT std::vector<Entry> gradient(const std::vector<Entry>& heads,
                                         const std::vector<Entry>& head_gradients,
                                         const std::vector<Entry>& variables,
                                         std::vector<NodeGradient>* by_node = nullptr);

// A gradient rule for an operator whose outputs are also an expression of its inputs: `build` makes
// it, of operators that are differentiable, from stand-ins for the node's inputs. Gives gradients
// of the first `count` inputs; the others are taken as constants.
GEMEL_EXPORT std::vector<Entry> gradient_by_expression(
    const GradientContext& context, int count,
    const std::function<std::vector<Entry>(const std::vector<Entry>& in)>& build);

}  // namespace gemel
