#include "passes/lanes.h"

#include <algorithm>

namespace gemel::passes {
namespace {

// Steps that each step waits for: the last writers of what it reads.
std::vector<std::vector<int>> dependencies(const MemoryProblem& problem,
                                           const std::vector<int>& roots) {
  std::vector<std::vector<int>> before(problem.steps.size());
  std::vector<std::vector<int>> writers(problem.values.size());
  for (size_t s = 0; s < problem.steps.size(); ++s) {
    std::vector<int>& own = before[s];
    for (const int v : problem.steps[s].reads)
      for (const int writer : writers[static_cast<size_t>(roots[static_cast<size_t>(v)])])
        own.push_back(writer);
    std::sort(own.begin(), own.end());
    own.erase(std::unique(own.begin(), own.end()), own.end());
    for (const int v : problem.steps[s].writes)
      writers[static_cast<size_t>(roots[static_cast<size_t>(v)])].push_back(static_cast<int>(s));
  }
  return before;
}

std::vector<int64_t> weights(const MemoryProblem& problem) {
  std::vector<int64_t> result;
  for (const MemoryProblem::Step& step : problem.steps) {
    int64_t bytes = 1;  // a step costs something even if it touches nothing
    for (const auto* list : {&step.reads, &step.writes})
      for (const int v : *list) bytes += problem.values[static_cast<size_t>(v)].bytes;
    result.push_back(bytes);
  }
  return result;
}

// The longest chains that end in each step, and what they come from.
struct Chains {
  std::vector<int64_t> length;
  std::vector<int> from;
};

template <typename Weight>
Chains longest(const std::vector<std::vector<int>>& before, Weight weight) {
  Chains chains{std::vector<int64_t>(before.size(), 0), std::vector<int>(before.size(), -1)};
  for (size_t s = 0; s < before.size(); ++s) {
    for (const int other : before[s])
      if (chains.from[s] < 0 || chains.length[static_cast<size_t>(other)] >
                                    chains.length[static_cast<size_t>(chains.from[s])])
        chains.from[s] = other;
    chains.length[s] =
        weight(s) + (chains.from[s] < 0 ? 0 : chains.length[static_cast<size_t>(chains.from[s])]);
  }
  return chains;
}

}  // namespace

std::vector<int> lanes_of(const MemoryProblem& problem, const std::vector<int>& roots, int width) {
  const auto before = dependencies(problem, roots);
  const std::vector<int64_t> weight = weights(problem);
  std::vector<int> lanes(problem.steps.size(), width > 1 ? -1 : 0);
  for (int lane = 0; lane < width && width > 1 && !lanes.empty(); ++lane) {
    const Chains chains =
        longest(before, [&](size_t s) { return lanes[s] < 0 ? weight[s] : int64_t{0}; });
    const auto last = std::max_element(chains.length.begin(), chains.length.end());
    if (*last == 0) break;
    for (int s = static_cast<int>(last - chains.length.begin()); s >= 0;
         s = chains.from[static_cast<size_t>(s)])
      if (lanes[static_cast<size_t>(s)] < 0) lanes[static_cast<size_t>(s)] = lane;
  }
  for (size_t s = 0; s < lanes.size(); ++s)
    if (lanes[s] < 0)
      lanes[s] = before[s].empty() ? 0 : lanes[static_cast<size_t>(before[s].back())];
  return lanes;
}

int64_t critical_bytes_of(const MemoryProblem& problem, const std::vector<int>& roots,
                          const std::vector<std::pair<int, int>>& extra_edges) {
  auto before = dependencies(problem, roots);
  for (const auto& [earlier, later] : extra_edges)
    before[static_cast<size_t>(later)].push_back(earlier);
  const std::vector<int64_t> weight = weights(problem);
  const Chains chains = longest(before, [&](size_t s) { return weight[s]; });
  return chains.length.empty() ? 0 : *std::max_element(chains.length.begin(), chains.length.end());
}

}  // namespace gemel::passes
