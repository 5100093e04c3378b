// A training graph in numbers: how many bytes live at most, and how much work is repeated, for any
// choice of what is kept between the forward and the backward pass.
#pragma once
#include <utility>
#include <vector>

#include "passes/plan_memory.h"
#include "passes/recompute.h"
#include "passes/typed_entries.h"

namespace gemel {

class TrainingModel {
 public:
  // `known` has the variables of the forward graph; `gradients` read placeholders of `saved` and
  // `head_gradients` (beside `outputs`, null where there is none).
  TrainingModel(const std::vector<Entry>& outputs, const std::vector<SavedValue>& saved,
                const std::vector<Entry>& gradients, const std::vector<NodeRef>& head_gradients,
                const KnownInputs& known, RecomputeRules& rules);

  struct Outcome {
    int64_t bytes = 0;  // that live at one time; memory of the graph's inputs and results apart
    double work = 0;    // of what is computed again, in nanoseconds of a usual core
    // Nodes of the forward graph that run again, each with the place (among all backward nodes) of
    // the one that needs it first.
    std::vector<std::pair<int, int>> again;
  };
  // `kept` holds a flag for each value of the forward graph; values without a rule are kept.
  Outcome evaluate(const std::vector<char>& kept) const;

  const IndexedGraph& forward() const { return forward_; }
  const IndexedGraph& backward() const { return backward_; }
  int64_t bytes(int value) const { return base_.values[static_cast<size_t>(value)].bytes; }
  bool has_rule(int value) const { return rule_[static_cast<size_t>(value)] >= 0; }
  double work(int value) const;                          // of its rule
  double forward_work() const { return forward_work_; }  // of all nodes

 private:
  struct Rule {
    MemoryProblem::Step step;                  // in values of the forward graph
    std::vector<std::pair<int, int>> aliases;  // (read, write) that are the same memory
    double work = 0;
    int node = 0;  // of the forward graph
  };

  Rule rule_of(const Node& node, const std::vector<int>& in, const std::vector<int>& out) const;
  void add_rules(RecomputeRules& rules);
  void add_backward(const std::vector<int>& value_of);

  IndexedGraph forward_, backward_;
  // By value: those of the forward graph, then those of the backward graph.
  std::vector<Shape> shapes_;
  std::vector<DType> dtypes_;
  MemoryProblem base_;  // all values, and the steps of the forward graph
  std::vector<int> rule_;
  std::vector<Rule> rules_;
  std::vector<std::pair<int, MemoryProblem::Step>> backward_steps_;  // with their nodes
  double forward_work_ = 0;
};

}  // namespace gemel
