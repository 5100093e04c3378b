// What each step's values take of a plan's arena.
#include <algorithm>

#include "passes/lifetime.h"
#include "runtime/plan.h"

namespace gemel::runtime {

std::vector<std::string> Plan::step_names() const {
  std::vector<std::string> names;
  for (const Step& step : steps_) names.push_back(step.name);
  return names;
}

std::vector<MemoryUse> Plan::memory_uses() const {
  const std::vector<int> roots = passes::roots_of(problem_);
  std::vector<int> use_of(problem_.values.size(), -1);
  std::vector<MemoryUse> uses;
  for (size_t s = 0; s < steps_.size(); ++s) {
    const int step = static_cast<int>(s);
    const int stage = step < stages_[0]->last_step ? 0 : 1;
    const auto touch = [&](int value, bool written) {
      const auto root = static_cast<size_t>(roots[static_cast<size_t>(value)]);
      int& index = use_of[root];
      if (index < 0) {
        index = static_cast<int>(uses.size());
        MemoryUse use;
        use.bytes = problem_.values[root].bytes;
        use.offset = memory_.offset[root];
        use.slot = slots_[root];
        use.begin = step;
        if (written) {
          use.name = steps_[s].name;
          use.op = steps_[s].op->name();
        }
        uses.push_back(std::move(use));
      }
      MemoryUse& use = uses[static_cast<size_t>(index)];
      use.end = step;
      use.stage = stage;
    };
    for (const int value : problem_.steps[s].reads) touch(value, false);
    for (const int value : problem_.steps[s].writes) touch(value, true);
    if (problem_.steps[s].workspace > 0)
      uses.push_back({steps_[s].name, steps_[s].op->name(), problem_.steps[s].workspace,
                      memory_.workspace_offset[s], -1, step, step, stage, true});
  }
  return uses;
}

}  // namespace gemel::runtime
