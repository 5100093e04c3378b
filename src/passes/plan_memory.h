// Memory planning: which values of a schedule may live in the same bytes.
// Works on a plain description of the schedule, so that it serves executors, cached ops and tests
// alike. Linear in the size of the problem.
#pragma once
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "base/export.h"

namespace gemel {

enum class MemoryMode : uint8_t { naive, inplace, coshare, both };

struct MemoryProblem {
  struct Value {
    int64_t bytes = 0;
    bool external = false;  // memory that the plan does not own (arguments, outputs, gradients)
    int alias_of = -1;      // the same memory as another value (a reshape); -1: its own
  };
  struct Step {
    std::vector<int> reads, writes;  // values
    std::vector<std::pair<int, int>>
        inplace;            // (position in reads, position in writes) that may share
    int64_t workspace = 0;  // bytes needed during this step only
  };
  std::vector<Value> values;
  std::vector<Step> steps;  // in the order of execution
};

struct MemoryPlan {
  std::vector<int64_t> offset;            // of each value in the arena; -1 for external ones
  std::vector<int64_t> workspace_offset;  // of each step; -1 where it needs none
  int64_t bytes = 0;                      // size of the arena
  // Orderings beyond the data dependencies that the sharing of bytes demands: (earlier, later)
  // steps.
  std::vector<std::pair<int, int>> extra_edges;
  std::vector<int64_t> live;  // bytes live during each step, for the picture over time
};

MemoryPlan plan_memory(const MemoryProblem& problem, MemoryMode mode, int width = 1);

GEMEL_EXPORT std::string_view name_of(MemoryMode mode);
GEMEL_EXPORT MemoryMode memory_mode_from_name(std::string_view name);  // throws Error(Input)

}  // namespace gemel
