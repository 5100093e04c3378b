#include "passes/plan_memory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <random>

#include "base/error.h"

namespace gemel {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr MemoryMode modes[] = {MemoryMode::naive, MemoryMode::inplace, MemoryMode::coshare,
                                MemoryMode::both};

int root_of(const MemoryProblem& problem, int v) {
  while (!problem.values[v].external && problem.values[v].alias_of >= 0)
    v = problem.values[v].alias_of;
  return v;
}

// Runs the steps in the given order on an arena of 64-byte cells that remember who wrote them last.
// Returns what went wrong, or "".
std::string simulate(const MemoryProblem& problem, const MemoryPlan& plan,
                     const std::vector<int>& order) {
  std::vector<int> cells(static_cast<size_t>(plan.bytes / 64 + 1), -1);
  const auto range = [&](int64_t offset, int64_t bytes) {
    return std::pair(offset / 64, (offset + bytes + 63) / 64);
  };
  const auto overlap = [](std::pair<int64_t, int64_t> a, std::pair<int64_t, int64_t> b) {
    return std::max(a.first, b.first) < std::min(a.second, b.second);
  };
  const auto of = [&](int v) {
    const int root = root_of(problem, v);
    return range(plan.offset[root], problem.values[root].bytes);
  };
  const auto internal = [&](int v) { return !problem.values[root_of(problem, v)].external; };
  const auto holds = [&](int v) {
    if (!internal(v)) return true;
    for (auto [c, end] = of(v); c < end; ++c)
      if (cells[static_cast<size_t>(c)] != root_of(problem, v)) return false;
    return true;
  };
  std::vector<char> ran(problem.steps.size(), 0);
  for (int s : order) {
    const MemoryProblem::Step& step = problem.steps[static_cast<size_t>(s)];
    for (int v : step.reads)
      if (!holds(v)) return fmt::format("step {} reads value {}, which was overwritten", s, v);
    std::pair<int64_t, int64_t> workspace{0, 0};
    if (step.workspace > 0) {
      workspace = range(plan.workspace_offset[static_cast<size_t>(s)], step.workspace);
      if (workspace.first < 0 || workspace.second * 64 > plan.bytes + 63)
        return "workspace outside of the arena";
    }
    for (size_t r = 0; r < step.reads.size(); ++r)
      if (internal(step.reads[r]) && overlap(workspace, of(step.reads[r])))
        return "workspace over an input";
    for (size_t w = 0; w < step.writes.size(); ++w) {
      const int value = step.writes[w];
      if (!internal(value)) continue;
      if (overlap(workspace, of(value))) return "workspace over an output";
      for (size_t other = 0; other < w; ++other)
        if (internal(step.writes[other]) &&
            root_of(problem, step.writes[other]) != root_of(problem, value) &&
            overlap(of(step.writes[other]), of(value)))
          return "two outputs in the same bytes";
      if (root_of(problem, value) != value) continue;  // a view of its input
      for (size_t r = 0; r < step.reads.size(); ++r) {
        if (!internal(step.reads[r]) || !overlap(of(step.reads[r]), of(value))) continue;
        const std::pair<int, int> pair(static_cast<int>(r), static_cast<int>(w));
        if (std::find(step.inplace.begin(), step.inplace.end(), pair) == step.inplace.end() ||
            of(step.reads[r]) != of(value))
          return fmt::format("step {} writes value {} over input {}", s, value, step.reads[r]);
      }
    }
    for (auto c = workspace.first; c < workspace.second; ++c) cells[static_cast<size_t>(c)] = -2;
    for (int v : step.writes)
      if (internal(v) && root_of(problem, v) == v)
        for (auto [c, end] = of(v); c < end; ++c) cells[static_cast<size_t>(c)] = v;
    ran[static_cast<size_t>(s)] = 1;
  }
  return "";
}

std::vector<int> in_order(const MemoryProblem& problem) {
  std::vector<int> order(problem.steps.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = static_cast<int>(i);
  return order;
}

// A random order of the steps that keeps their data dependencies and the plan's extra ones.
std::vector<int> random_order(const MemoryProblem& problem, const MemoryPlan& plan,
                              std::mt19937& random) {
  const int n = static_cast<int>(problem.steps.size());
  std::vector<std::vector<int>> after(static_cast<size_t>(n));
  std::vector<int> waits(static_cast<size_t>(n), 0);
  const auto edge = [&](int from, int to) {
    after[static_cast<size_t>(from)].push_back(to);
    ++waits[static_cast<size_t>(to)];
  };
  std::map<int, int> writer;
  for (int s = 0; s < n; ++s) {
    for (int v : problem.steps[static_cast<size_t>(s)].reads)
      if (writer.contains(v)) edge(writer[v], s);
    for (int v : problem.steps[static_cast<size_t>(s)].writes) writer[v] = s;
  }
  for (auto [from, to] : plan.extra_edges) edge(from, to);
  std::vector<int> ready, order;
  for (int s = 0; s < n; ++s)
    if (!waits[static_cast<size_t>(s)]) ready.push_back(s);
  while (!ready.empty()) {
    std::swap(ready[random() % ready.size()], ready.back());
    const int s = ready.back();
    ready.pop_back();
    order.push_back(s);
    for (int t : after[static_cast<size_t>(s)])
      if (!--waits[static_cast<size_t>(t)]) ready.push_back(t);
  }
  return order;
}

MemoryProblem random_problem(std::mt19937& random, int steps) {
  MemoryProblem problem;
  const auto chance = [&](unsigned percent) { return random() % 100 < percent; };
  const auto add = [&](int64_t bytes, bool external) {
    problem.values.push_back({bytes, external});
    return static_cast<int>(problem.values.size()) - 1;
  };
  std::vector<int> available;
  for (int i = 0; i < 3; ++i) available.push_back(add(64 << (random() % 4), true));
  for (int s = 0; s < steps; ++s) {
    MemoryProblem::Step step;
    for (unsigned i = 0; i < 1 + random() % 3; ++i)
      step.reads.push_back(
          available[available.size() - 1 - random() % std::min<size_t>(available.size(), 6)]);
    const int input = step.reads[0];
    if (chance(15) && !problem.values[static_cast<size_t>(root_of(problem, input))].external) {
      const int view = add(problem.values[static_cast<size_t>(input)].bytes, false);
      problem.values.back().alias_of = input;
      step.reads.resize(1);
      step.writes = {view};
    } else {
      for (unsigned i = 0; i < 1 + random() % 2; ++i) {
        const int64_t bytes = chance(60) ? problem.values[static_cast<size_t>(input)].bytes
                                         : static_cast<int64_t>(random() % 700);
        step.writes.push_back(add(bytes, chance(10)));
        for (size_t r = 0; r < step.reads.size(); ++r)
          if (chance(70)) step.inplace.emplace_back(static_cast<int>(r), static_cast<int>(i));
      }
      if (chance(20)) step.workspace = random() % 500;
    }
    available.insert(available.end(), step.writes.begin(), step.writes.end());
    problem.steps.push_back(std::move(step));
  }
  return problem;
}

TEST(PlanMemory, RandomProblemsInOrder) {
  std::mt19937 random(1);
  for (int round = 0; round < 300; ++round) {
    const MemoryProblem problem = random_problem(random, 1 + static_cast<int>(random() % 40));
    std::map<MemoryMode, int64_t> bytes;
    for (MemoryMode mode : modes) {
      const MemoryPlan plan = plan_memory(problem, mode);
      bytes[mode] = plan.bytes;
      ASSERT_EQ(simulate(problem, plan, in_order(problem)), "")
          << "round " << round << " " << name_of(mode);
      for (size_t v = 0; v < problem.values.size(); ++v) {
        if (plan.offset[v] < 0) continue;
        EXPECT_EQ(plan.offset[v] % 64, 0);
        EXPECT_LE(plan.offset[v] + problem.values[v].bytes, plan.bytes);
      }
      EXPECT_LE(*std::max_element(plan.live.begin(), plan.live.end()), plan.bytes);
    }
    EXPECT_LE(bytes[MemoryMode::both],
              std::min(bytes[MemoryMode::inplace], bytes[MemoryMode::coshare]));
    EXPECT_LE(std::max(bytes[MemoryMode::inplace], bytes[MemoryMode::coshare]),
              bytes[MemoryMode::naive]);
  }
}

TEST(PlanMemory, RandomProblemsInAnyLegalOrder) {
  std::mt19937 random(2);
  int reordered = 0;
  for (int round = 0; round < 200; ++round) {
    const MemoryProblem problem = random_problem(random, 1 + static_cast<int>(random() % 30));
    for (MemoryMode mode : modes) {
      const MemoryPlan plan = plan_memory(problem, mode, 4);
      for (auto [from, to] : plan.extra_edges) EXPECT_LT(from, to);
      for (int repeat = 0; repeat < 5; ++repeat) {
        const std::vector<int> order = random_order(problem, plan, random);
        ASSERT_EQ(order.size(), problem.steps.size());
        reordered += order != in_order(problem);
        ASSERT_EQ(simulate(problem, plan, order), "") << "round " << round << " " << name_of(mode);
      }
    }
  }
  EXPECT_GT(reordered, 500);
}

// x -> a -> b -> c -> out, each the same size.
MemoryProblem chain(int length, int64_t bytes, bool inplace) {
  MemoryProblem problem;
  problem.values.push_back({bytes, true});
  for (int i = 0; i < length; ++i) {
    problem.values.push_back({bytes, i == length - 1});
    problem.steps.push_back({{i}, {i + 1}, {}, 0});
    if (inplace) problem.steps.back().inplace = {{0, 0}};
  }
  return problem;
}

TEST(PlanMemory, AChain) {
  const MemoryProblem problem = chain(5, 100, true);
  EXPECT_EQ(plan_memory(problem, MemoryMode::naive).bytes, 4 * 128);
  EXPECT_EQ(plan_memory(problem, MemoryMode::inplace).bytes, 128);
  EXPECT_EQ(plan_memory(problem, MemoryMode::coshare).bytes, 2 * 128);
  EXPECT_EQ(plan_memory(problem, MemoryMode::both).bytes, 128);
  EXPECT_THAT(plan_memory(problem, MemoryMode::coshare).live, ElementsAre(128, 256, 256, 256, 128));
  EXPECT_THAT(plan_memory(problem, MemoryMode::both).live, ElementsAre(128, 128, 128, 128, 128));
  EXPECT_EQ(plan_memory(chain(5, 100, false), MemoryMode::inplace).bytes, 4 * 128);
}

TEST(PlanMemory, ArgumentsAreNeverOverwritten) {
  const MemoryPlan plan = plan_memory(chain(2, 64, true), MemoryMode::both);
  EXPECT_THAT(plan.offset, ElementsAre(-1, 0, -1));
  EXPECT_EQ(plan.bytes, 64);
}

TEST(PlanMemory, InplaceNeedsEqualSizesAndADeadInput) {
  MemoryProblem problem = chain(3, 64, true);
  problem.values[2].bytes = 65;
  EXPECT_EQ(plan_memory(problem, MemoryMode::inplace).bytes, 64 + 128);
  problem = chain(3, 64, true);
  problem.steps[2].reads.push_back(1);
  EXPECT_EQ(plan_memory(problem, MemoryMode::inplace).bytes, 128);
}

TEST(PlanMemory, AnInputReadTwiceMustAllowItTwice) {
  MemoryProblem problem = chain(3, 64, true);
  problem.steps[1].reads = {1, 1};
  EXPECT_EQ(plan_memory(problem, MemoryMode::inplace).bytes, 128);
  problem.steps[1].inplace = {{0, 0}, {1, 0}};
  EXPECT_EQ(plan_memory(problem, MemoryMode::inplace).bytes, 64);
}

TEST(PlanMemory, ViewsShareTheirRoot) {
  MemoryProblem problem = chain(4, 64, false);
  problem.values[2].alias_of = 1;
  const MemoryPlan plan = plan_memory(problem, MemoryMode::naive);
  EXPECT_EQ(plan.offset[2], plan.offset[1]);
  EXPECT_EQ(plan.bytes, 128);
}

TEST(PlanMemory, PartsLieInTheirWhole) {
  // Two values are joined (2), another one is cut out of the result (3).
  MemoryProblem problem;
  problem.values = {{64, false, 2, 0}, {128, false, 2, 64}, {192}, {64, false, 2, 128}};
  problem.steps = {{{}, {0}}, {{}, {1}}, {{0, 1}, {2}}, {{2}, {3}}, {{3}, {}}};
  for (MemoryMode mode : modes) {
    const MemoryPlan plan = plan_memory(problem, mode);
    EXPECT_EQ(plan.bytes, 192);
    EXPECT_EQ(plan.offset, (std::vector<int64_t>{0, 64, 0, 128}));
    EXPECT_EQ(plan.live, (std::vector<int64_t>{192, 192, 192, 192, 192}));
  }
}

// Four chains of three steps from one value, joined at the end.
MemoryProblem four_chains() {
  MemoryProblem problem;
  problem.values = {{64}};
  problem.steps = {{{}, {0}}};
  std::vector<int> ends;
  for (int chain = 0; chain < 4; ++chain) {
    int from = 0;
    for (int i = 0; i < 3; ++i) {
      problem.values.push_back({1024});
      const int to = static_cast<int>(problem.values.size()) - 1;
      problem.steps.push_back({{from}, {to}});
      from = to;
    }
    ends.push_back(from);
  }
  problem.values.push_back({64});
  problem.steps.push_back({ends, {static_cast<int>(problem.values.size()) - 1}});
  return problem;
}

TEST(PlanMemory, WidthTradesBytesForStepsAtOnce) {
  const MemoryProblem problem = four_chains();
  const MemoryPlan in_order = plan_memory(problem, MemoryMode::both);
  const MemoryPlan two = plan_memory(problem, MemoryMode::both, 2);
  const MemoryPlan four = plan_memory(problem, MemoryMode::both, 4);
  EXPECT_LE(in_order.bytes, two.bytes);
  EXPECT_LE(two.bytes, four.bytes);
  EXPECT_GT(two.critical_bytes, four.critical_bytes);
  EXPECT_LE(four.critical_bytes * 2, four.touched_bytes);  // the chains run beside each other
  EXPECT_EQ(two.touched_bytes, four.touched_bytes);
  EXPECT_EQ(in_order.critical_bytes, 0);
}

TEST(PlanMemory, WorkspaceIsShared) {
  MemoryProblem problem = chain(3, 64, true);
  for (auto& step : problem.steps) step.workspace = 1000;
  for (MemoryMode mode : modes) {
    const MemoryPlan plan = plan_memory(problem, mode);
    EXPECT_EQ(plan.workspace_offset[1] % 64, 0);
    EXPECT_EQ(plan.bytes,
              1024 + (mode == MemoryMode::naive || mode == MemoryMode::coshare ? 128 : 64))
        << name_of(mode);
  }
}

TEST(PlanMemory, EmptyProblemsAndEmptyValues) {
  EXPECT_EQ(plan_memory({}, MemoryMode::both).bytes, 0);
  EXPECT_EQ(plan_memory(chain(4, 0, true), MemoryMode::both, 2).bytes, 0);
}

TEST(PlanMemory, AHundredThousandSteps) {
  std::mt19937 random(3);
  const MemoryProblem problem = random_problem(random, 100000);
  std::map<MemoryMode, int64_t> bytes;
  for (MemoryMode mode : modes)
    bytes[mode] = plan_memory(problem, mode, mode == MemoryMode::both ? 2 : 1).bytes;
  EXPECT_LT(bytes[MemoryMode::inplace], bytes[MemoryMode::naive]);
  EXPECT_LT(bytes[MemoryMode::both], bytes[MemoryMode::inplace] / 2);
}

TEST(PlanMemory, Names) {
  for (MemoryMode mode : modes) EXPECT_EQ(memory_mode_from_name(name_of(mode)), mode);
  try {
    memory_mode_from_name("bothh");
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("did you mean 'both'?"));
  }
}

}  // namespace
}  // namespace gemel
