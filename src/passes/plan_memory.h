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
    int alias_of = -1;      // lies in the memory of another value (a reshape, a part); -1: its own
    int64_t offset = 0;     // in that value, bytes
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
  // Bytes that the steps touch, all and along the longest chain of dependencies and `extra_edges`:
  // their ratio bounds what running steps at once can win. 0 for a width of 1.
  int64_t touched_bytes = 0, critical_bytes = 0;
};

// `width` chains of steps may run at once: only values of one chain share memory, so that sharing
// orders few steps that do not depend on each other. More width, more bytes. 1: steps run in order.
MemoryPlan plan_memory(const MemoryProblem& problem, MemoryMode mode, int width = 1);

GEMEL_EXPORT std::string_view name_of(MemoryMode mode);
GEMEL_EXPORT MemoryMode memory_mode_from_name(std::string_view name);  // throws Error(Input)

}  // namespace gemel
