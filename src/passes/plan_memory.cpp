#include "passes/plan_memory.h"

#include <algorithm>
#include <map>
#include <set>

#include "base/error.h"
#include "graph/close_names.h"
#include "passes/lanes.h"
#include "passes/lifetime.h"
#include "passes/placement.h"

namespace gemel {
namespace {

using passes::Block;
using passes::Blocks;
using passes::Placement;

constexpr std::string_view mode_names[] = {"naive", "inplace", "coshare", "both"};

// Steps' workspaces behind the values: as blocks of their own, or as one block that lives
// throughout.
std::vector<Block> with_workspaces(const MemoryProblem& problem, std::vector<Block> blocks,
                                   bool shared) {
  int64_t largest = 0;
  for (size_t s = 0; s < problem.steps.size(); ++s) {
    const int64_t bytes = passes::align(problem.steps[s].workspace);
    largest = std::max(largest, bytes);
    if (shared) blocks.push_back({bytes, static_cast<int>(s), static_cast<int>(s)});
  }
  if (!shared)
    blocks.push_back({largest, 0, std::max(0, static_cast<int>(problem.steps.size()) - 1)});
  return blocks;
}

struct Candidate {
  Blocks blocks;           // of the values
  std::vector<Block> all;  // and the workspaces
  bool shared = false;
  Placement placement;
  int64_t workspace(size_t step) const {
    return placement.offset[blocks.blocks.size() + (shared ? step : 0)];
  }
};

// Each lane's blocks in memory of their own, one lane behind the other.
Placement place_lanes(const std::vector<Block>& blocks, const std::vector<int>& lanes) {
  Placement result{std::vector<int64_t>(blocks.size(), 0)};
  const int count = lanes.empty() ? 0 : *std::max_element(lanes.begin(), lanes.end()) + 1;
  for (int lane = 0; lane < count; ++lane) {
    std::vector<Block> own = blocks;
    for (Block& block : own)
      if (lanes[static_cast<size_t>(block.begin)] != lane) block.bytes = 0;
    const Placement placed = passes::place_shared(own);
    for (size_t b = 0; b < own.size(); ++b)
      if (own[b].bytes) result.offset[b] = result.bytes + placed.offset[b];
    result.bytes += placed.bytes;
  }
  return result;
}

Candidate candidate(const MemoryProblem& problem, const std::vector<int>& roots, bool inplace,
                    bool shared, const std::vector<int>& lanes) {
  Candidate result;
  result.blocks = passes::blocks_of(problem, roots, inplace);
  result.all = with_workspaces(problem, result.blocks.blocks, shared);
  result.shared = shared;
  if (!shared)
    result.placement = passes::place_apart(result.all);
  else if (lanes.empty())
    result.placement = passes::place_shared(result.all);
  else
    result.placement = place_lanes(result.all, lanes);
  return result;
}

// Sharing among values that never live together in the order of the steps becomes an ordering of
// the steps themselves: all users of the earlier ones run before the first user of the later one.
std::vector<std::pair<int, int>> orderings(const MemoryProblem& problem,
                                           const std::vector<int>& roots, const MemoryPlan& plan) {
  struct Occupant {
    int64_t end;
    const std::vector<int>* users;
  };
  std::vector<std::vector<int>> users(problem.values.size() + problem.steps.size());
  std::set<std::pair<int, int>> edges;
  std::map<int64_t, Occupant> arena;
  const auto occupy = [&](int64_t offset, int64_t bytes, const std::vector<int>* by) {
    if (bytes == 0) return;
    const int64_t end = offset + bytes;
    const int first = by->front();
    auto at = arena.upper_bound(offset);
    if (at != arena.begin() && std::prev(at)->second.end > offset) --at;
    while (at != arena.end() && at->first < end) {
      const auto [from, old] = *at;
      for (int user : *old.users)
        if (user < first) edges.emplace(user, first);
      at = arena.erase(at);
      if (from < offset) arena.emplace(from, Occupant{offset, old.users});
      if (old.end > end) at = arena.emplace(end, Occupant{old.end, old.users}).first;
    }
    arena.emplace(offset, Occupant{end, by});
  };
  for (size_t s = 0; s < problem.steps.size(); ++s)
    for (const auto* list : {&problem.steps[s].reads, &problem.steps[s].writes})
      for (int v : *list)
        users[static_cast<size_t>(roots[static_cast<size_t>(v)])].push_back(static_cast<int>(s));
  std::vector<int64_t> bytes_of(problem.values.size(), 0);
  for (size_t v = 0; v < problem.values.size(); ++v) {
    const size_t root = static_cast<size_t>(roots[v]);
    bytes_of[root] = std::max(bytes_of[root], passes::align(problem.values[v].bytes));
  }
  std::vector<char> seen(problem.values.size(), 0);
  for (size_t s = 0; s < problem.steps.size(); ++s) {
    if (plan.workspace_offset[s] >= 0) {
      std::vector<int>& own = users[problem.values.size() + s];
      own = {static_cast<int>(s)};
      occupy(plan.workspace_offset[s], passes::align(problem.steps[s].workspace), &own);
    }
    for (const auto* list : {&problem.steps[s].reads, &problem.steps[s].writes})
      for (int v : *list) {
        const size_t root = static_cast<size_t>(roots[static_cast<size_t>(v)]);
        if (seen[root] || plan.offset[root] < 0) continue;
        seen[root] = 1;
        occupy(plan.offset[root], bytes_of[root], &users[root]);
      }
  }
  return {edges.begin(), edges.end()};
}

std::vector<int64_t> live_bytes(const std::vector<Block>& blocks, size_t steps) {
  std::vector<int64_t> live(steps + 1, 0);
  for (const Block& block : blocks) {
    if (steps == 0 || block.bytes == 0) continue;
    live[static_cast<size_t>(block.begin)] += block.bytes;
    live[static_cast<size_t>(block.end) + 1] -= block.bytes;
  }
  for (size_t s = 1; s < live.size(); ++s) live[s] += live[s - 1];
  live.pop_back();
  return live;
}

}  // namespace

MemoryPlan plan_memory(const MemoryProblem& problem, MemoryMode mode, int width) {
  const std::vector<int> roots = passes::roots_of(problem);
  const bool inplace = mode == MemoryMode::inplace || mode == MemoryMode::both;
  const bool shared = mode == MemoryMode::coshare || mode == MemoryMode::both;
  std::vector<int> lanes;
  if (width > 1) lanes = passes::lanes_of(problem, roots, width);
  Candidate best = candidate(problem, roots, inplace, shared, lanes);
  const auto consider = [&](Candidate other) {
    if (other.placement.bytes < best.placement.bytes) best = std::move(other);
  };
  // Less freedom can turn out better, as no strategy is optimal.
  if (best.placement.enough) {
  } else if (mode == MemoryMode::both) {
    consider(candidate(problem, roots, false, true, lanes));
    consider(candidate(problem, roots, true, false, lanes));
  } else if (mode == MemoryMode::coshare) {
    consider(candidate(problem, roots, false, false, lanes));
  }

  MemoryPlan plan;
  plan.bytes = best.placement.bytes;
  for (size_t v = 0; v < problem.values.size(); ++v) {
    const int block = best.blocks.block_of[v];
    plan.offset.push_back(block < 0 ? -1
                                    : best.placement.offset[static_cast<size_t>(block)] +
                                          passes::offset_in_root(problem, static_cast<int>(v)));
  }
  std::vector<Block> lives = best.blocks.blocks;
  for (size_t s = 0; s < problem.steps.size(); ++s) {
    const int64_t bytes = problem.steps[s].workspace;
    plan.workspace_offset.push_back(bytes > 0 ? best.workspace(s) : -1);
    lives.push_back({passes::align(bytes), static_cast<int>(s), static_cast<int>(s)});
  }
  plan.live = live_bytes(lives, problem.steps.size());
  if (width > 1) {
    plan.extra_edges = orderings(problem, roots, plan);
    plan.critical_bytes = passes::critical_bytes_of(problem, roots, plan.extra_edges);
    for (const MemoryProblem::Step& step : problem.steps)
      for (const auto* list : {&step.reads, &step.writes})
        for (const int v : *list)
          plan.touched_bytes += problem.values[static_cast<size_t>(v)].bytes;
  }
  return plan;
}

std::string_view name_of(MemoryMode mode) { return mode_names[static_cast<size_t>(mode)]; }

MemoryMode memory_mode_from_name(std::string_view name) {
  for (size_t i = 0; i < std::size(mode_names); ++i)
    if (mode_names[i] == name) return static_cast<MemoryMode>(i);
  fail(ErrorKind::Input, "there is no memory mode '{}'{} Expected naive, inplace, coshare or both",
       name, did_you_mean(name, {"naive", "inplace", "coshare", "both"}));
}

}  // namespace gemel
