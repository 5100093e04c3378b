#include "passes/lifetime.h"

#include <algorithm>

#include "base/error.h"

namespace gemel::passes {
namespace {

constexpr int64_t alignment = 64;

struct Life {
  int64_t bytes = 0;
  int begin = -1, end = -1;
  void use(int step) {
    if (begin < 0) begin = step;
    end = std::max(end, step);
  }
};

std::vector<Life> lives_of(const MemoryProblem& problem, const std::vector<int>& roots) {
  std::vector<Life> lives(problem.values.size());
  for (size_t v = 0; v < problem.values.size(); ++v) {
    Life& life = lives[static_cast<size_t>(roots[v])];
    life.bytes = std::max(life.bytes, align(problem.values[v].bytes));
  }
  const int steps = static_cast<int>(problem.steps.size());
  for (int s = 0; s < steps; ++s) {
    for (int v : problem.steps[static_cast<size_t>(s)].reads)
      lives[static_cast<size_t>(roots[static_cast<size_t>(v)])].use(s);
    for (int v : problem.steps[static_cast<size_t>(s)].writes)
      lives[static_cast<size_t>(roots[static_cast<size_t>(v)])].use(s);
  }
  return lives;
}

// Whether the step may write `output` (a position) over `root`: every way it reads it must allow
// that.
bool may_overwrite(const MemoryProblem::Step& step, const std::vector<int>& roots, int root,
                   int output) {
  for (size_t i = 0; i < step.reads.size(); ++i) {
    if (roots[static_cast<size_t>(step.reads[i])] != root) continue;
    const std::pair<int, int> pair(static_cast<int>(i), output);
    if (std::find(step.inplace.begin(), step.inplace.end(), pair) == step.inplace.end())
      return false;
  }
  for (int v : step.writes)
    if (roots[static_cast<size_t>(v)] == root)
      return false;  // another output already is that memory
  return true;
}

}  // namespace

int64_t align(int64_t bytes) { return (bytes + alignment - 1) / alignment * alignment; }

std::vector<int> roots_of(const MemoryProblem& problem) {
  std::vector<int> roots(problem.values.size(), -1);
  std::vector<int> chain;
  for (size_t v = 0; v < roots.size(); ++v) {
    int at = static_cast<int>(v);
    chain.clear();
    while (roots[static_cast<size_t>(at)] < 0) {
      const MemoryProblem::Value& value = problem.values[static_cast<size_t>(at)];
      chain.push_back(at);
      GEMEL_ASSERT(chain.size() <= roots.size());  // aliases form no cycle
      if (value.alias_of < 0 || value.external) {
        roots[static_cast<size_t>(at)] = at;
        break;
      }
      at = value.alias_of;
    }
    for (int link : chain) roots[static_cast<size_t>(link)] = roots[static_cast<size_t>(at)];
  }
  return roots;
}

int64_t offset_in_root(const MemoryProblem& problem, int value) {
  int64_t offset = 0;
  const auto at = [&](int v) -> const MemoryProblem::Value& {
    return problem.values[static_cast<size_t>(v)];
  };
  for (; at(value).alias_of >= 0 && !at(value).external; value = at(value).alias_of)
    offset += at(value).offset;
  return offset;
}

Blocks blocks_of(const MemoryProblem& problem, const std::vector<int>& roots, bool inplace) {
  const std::vector<Life> lives = lives_of(problem, roots);
  Blocks result;
  std::vector<int> block_of_root(lives.size(), -1);
  const auto is_internal = [&](int root) {
    return !problem.values[static_cast<size_t>(root)].external &&
           lives[static_cast<size_t>(root)].begin >= 0;
  };
  for (size_t r = 0; r < lives.size(); ++r) {
    if (roots[r] != static_cast<int>(r) || !is_internal(static_cast<int>(r))) continue;
    block_of_root[r] = static_cast<int>(result.blocks.size());
    result.blocks.push_back({lives[r].bytes, lives[r].begin, lives[r].end});
  }
  std::vector<char> overwritten(lives.size(), 0), placed(lives.size(), 0);
  for (int s = 0; inplace && s < static_cast<int>(problem.steps.size()); ++s) {
    const MemoryProblem::Step& step = problem.steps[static_cast<size_t>(s)];
    for (const auto& [in, out] : step.inplace) {
      const int value = step.writes[static_cast<size_t>(out)];
      const int source = roots[static_cast<size_t>(step.reads[static_cast<size_t>(in)])];
      if (roots[static_cast<size_t>(value)] != value || !is_internal(value) || !is_internal(source))
        continue;
      const Life &from = lives[static_cast<size_t>(source)],
                 &to = lives[static_cast<size_t>(value)];
      if (to.begin != s || from.end != s || from.bytes != to.bytes) continue;
      if (overwritten[static_cast<size_t>(source)] || placed[static_cast<size_t>(value)]) continue;
      if (!may_overwrite(step, roots, source, out)) continue;
      // The output's own block stays, empty; its life goes on in the input's.
      const int taken = block_of_root[static_cast<size_t>(source)];
      result.blocks[static_cast<size_t>(block_of_root[static_cast<size_t>(value)])].bytes = 0;
      Block& block = result.blocks[static_cast<size_t>(taken)];
      block.end = std::max(block.end, to.end);
      block_of_root[static_cast<size_t>(value)] = taken;
      overwritten[static_cast<size_t>(source)] = 1;
      placed[static_cast<size_t>(value)] = 1;
    }
  }
  result.block_of.resize(lives.size());
  for (size_t v = 0; v < lives.size(); ++v)
    result.block_of[v] = block_of_root[static_cast<size_t>(roots[v])];
  return result;
}

}  // namespace gemel::passes
