// What the memory planner sees of a node.
#pragma once
#include <vector>

#include "op/op_info.h"
#include "passes/plan_memory.h"

namespace gemel::passes {

// Reads and writes by value number, and which of them may share memory; without workspace. Inputs
// of which only the shape matters are no reads. `shapes` and `dtypes` are by value.
inline MemoryProblem::Step memory_step(const Node& node, const std::vector<int>& in,
                                       const std::vector<int>& out,
                                       const std::vector<Shape>& shapes,
                                       const std::vector<DType>& dtypes) {
  const auto& info = static_cast<const OpInfo&>(*node.op);
  MemoryProblem::Step step;
  step.writes = out;
  for (size_t i = 0; i < in.size(); ++i) {
    if (info.reads_only_shape(static_cast<int>(i))) continue;
    const auto from = static_cast<size_t>(in[i]);
    for (size_t j = 0; j < out.size(); ++j) {
      const auto to = static_cast<size_t>(out[j]);
      const bool alike = shapes[from] == shapes[to] && dtypes[from] == dtypes[to];
      if (info.allows_inplace(static_cast<int>(i), static_cast<int>(j)) ||
          (info.inplace_any && alike))
        step.inplace.emplace_back(static_cast<int>(step.reads.size()), static_cast<int>(j));
    }
    step.reads.push_back(in[i]);
  }
  return step;
}

}  // namespace gemel::passes
