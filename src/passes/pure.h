// Which nodes give the same for the same inputs, and do nothing else.
#pragma once
#include "op/op_info.h"

namespace gemel::passes {

inline bool is_pure(const Node& node) {
  const auto& op = static_cast<const OpInfo&>(*node.op);
  return !op.random && !op.runs_user_code && op.mutated_inputs(*node.parameters).empty() &&
         op.auxiliary_count(*node.parameters) == 0 && node.subgraphs.empty() &&
         node.control.empty();
}

}  // namespace gemel::passes
