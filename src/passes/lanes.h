// Steps that may run at once: which chain of dependencies each belongs to, and how long the longest
// chain is.
#pragma once
#include <utility>
#include <vector>

#include "passes/plan_memory.h"

namespace gemel::passes {

// A lane (from 0) for each step: the longest chain of dependencies, by the bytes that steps touch,
// is the first lane, the longest among what is left the next one, up to `width` lanes; what is then
// left joins the lane of what it waits for last. `roots` are those of the values.
std::vector<int> lanes_of(const MemoryProblem& problem, const std::vector<int>& roots, int width);

// The bytes that the longest chain of steps touches, where the steps also keep `extra_edges`: what
// is left of the time with as many cores as it takes, if time follows bytes.
int64_t critical_bytes_of(const MemoryProblem& problem, const std::vector<int>& roots,
                          const std::vector<std::pair<int, int>>& extra_edges);

}  // namespace gemel::passes
