// Gradients from a formula: an operator with a kernel of its own states once what it computes in
// terms of other operators, and has derivatives of every order.
//
//   op("L2...").gradient(gradient_of(formula))
//   op("_backward_X").gradient(gradient_of(differentiated(formula, 1)))
#pragma once
#include <functional>
#include <vector>

#include "op/op_info.h"

namespace gemel {

// The visible outputs as a graph over `in`, one entry for each input. Nodes are made with
// `context.make`; `context.in`, `context.out` and `context.head` must not be used.
using Formula =
    std::function<std::vector<Entry>(const GradientContext& context, const std::vector<Entry>& in)>;

// A gradient rule: the derivative of `formula` in reverse mode, by every input.
GEMEL_EXPORT Gradient gradient_of(Formula formula);

// What a backward operator computes whose inputs are the head gradients of the first `heads`
// outputs of `formula`, then its `inputs` (what follows is ignored): the gradients of the latter.
GEMEL_EXPORT Formula differentiated(Formula formula, int heads, int inputs);

}  // namespace gemel
