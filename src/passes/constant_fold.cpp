#include "passes/constant_fold.h"

#include <unordered_map>

#include "op/registry.h"
#include "ops/creation/constant.h"
#include "passes/pure.h"
#include "passes/with_inputs.h"

namespace gemel {
namespace {

class Folding {
 public:
  Folding(const IndexedGraph& graph, const std::vector<Shape>& shapes,
          const std::vector<DType>& dtypes, bool training, const RunCall& run)
      : graph_(graph), shapes_(shapes), dtypes_(dtypes), training_(training), run_(run) {}

  std::vector<Entry> run(const std::vector<Entry>& heads) {
    find_constants();
    if (!mark_roots(heads)) return heads;
    for (int n = 0; n < graph_.node_count(); ++n) rewrite(n);
    std::vector<Entry> results;
    for (const Entry& head : heads) results.push_back(map(head));
    return results;
  }

 private:
  struct NodeState {
    bool constant = false, composed = false;  // composed: of other constants
    bool root = false;                        // read by what is not constant
  };

  const Shape& shape(int entry) const { return shapes_[static_cast<size_t>(entry)]; }
  DType dtype(int entry) const { return dtypes_[static_cast<size_t>(entry)]; }
  int64_t bytes(int entry) const { return shape(entry).size() * size_of(dtype(entry)); }

  void find_constants() {
    states_.resize(static_cast<size_t>(graph_.node_count()));
    for (int n = 0; n < graph_.node_count(); ++n) {
      const Node& node = *graph_.node(n);
      if (node.is_variable() || !passes::is_pure(node)) continue;
      const auto& op = static_cast<const OpInfo&>(*node.op);
      NodeState& state = states_[static_cast<size_t>(n)];
      state.constant = !op.shape_from_values;
      const auto inputs = graph_.inputs(n);
      for (size_t i = 0; i < inputs.size(); ++i) {
        if (op.reads_only_shape(static_cast<int>(i))) continue;
        const NodeState& input = states_[static_cast<size_t>(graph_.producer(inputs[i]))];
        state.constant = state.constant && input.constant;
        state.composed = true;
      }
      for (int e = graph_.first_entry(n); e < graph_.first_entry(n + 1); ++e)
        state.constant = state.constant && bytes(e) <= largest_folded_bytes;
    }
  }

  // Whether there are any: composed constants that something else reads, as far as there is room.
  bool mark_roots(const std::vector<Entry>& heads) {
    int64_t total = 0;
    bool any = false;
    const auto mark = [&](int n) {
      NodeState& state = states_[static_cast<size_t>(n)];
      if (!state.constant || !state.composed || state.root) return;
      for (int e = graph_.first_entry(n); e < graph_.first_entry(n + 1); ++e) total += bytes(e);
      any = any || total <= folded_bytes_in_a_graph;
      state.root = total <= folded_bytes_in_a_graph;
    };
    for (int n = 0; n < graph_.node_count(); ++n)
      if (!states_[static_cast<size_t>(n)].constant)
        for (int entry : graph_.inputs(n)) mark(graph_.producer(entry));
    for (const Entry& head : heads) mark(graph_.index_of(head.node.get()));
    return any;
  }

  // The values of a constant node's outputs.
  const std::vector<NDArray>& values(int n) {
    auto& known = values_[n];
    if (!known.empty()) return known;
    const Node& node = *graph_.node(n);
    const auto& op = static_cast<const OpInfo&>(*node.op);
    std::vector<Tensor> in, out;
    const auto inputs = graph_.inputs(n);
    for (size_t i = 0; i < inputs.size(); ++i) {
      if (op.reads_only_shape(static_cast<int>(i)))
        in.emplace_back(nullptr, shape(inputs[i]), dtype(inputs[i]), Device{});
      else
        in.push_back(
            values(graph_.producer(inputs[i]))[static_cast<size_t>(graph_.output_index(inputs[i]))]
                .tensor());
    }
    std::vector<NDArray> results;
    for (int e = graph_.first_entry(n); e < graph_.first_entry(n + 1); ++e) {
      results.emplace_back(shape(e), dtype(e));
      out.push_back(results.back().tensor());
    }
    run_(node, OpCall{op, *node.parameters, in, out, training_});
    return values_[n] = std::move(results);
  }

  Entry map(const Entry& entry) const {
    const auto found = replaced_.find(entry.node.get());
    if (found == replaced_.end()) return entry;
    return found->second[static_cast<size_t>(entry.index)];
  }

  void rewrite(int n) {
    Node& node = *graph_.node(n);
    if (node.is_variable()) return;
    if (states_[static_cast<size_t>(n)].root) {
      std::vector<Entry> constants;
      for (const NDArray& value : values(n)) {
        auto parameters = std::make_shared<ConstantArrayParameters>();
        parameters->value = value;
        constants.push_back(
            {make_node(require_op("_constant"), node.name, {}, std::move(parameters)), 0, 0});
      }
      replaced_[&node] = std::move(constants);
      return;
    }
    std::vector<Entry> inputs;
    const auto renewed = [&](const Entry& entry) { return map(entry); };
    bool changed = passes::waits_for_changed(node, renewed);
    for (const Entry& input : node.inputs) {
      inputs.push_back(map(input));
      changed = changed || inputs.back().node != input.node;
    }
    if (!changed) return;
    const NodeRef self = passes::with_inputs(node, std::move(inputs), renewed);
    std::vector<Entry> outputs;
    for (int i = 0; i < node.output_count(); ++i) outputs.push_back({self, i, 0});
    replaced_[&node] = std::move(outputs);
  }

  const IndexedGraph& graph_;
  const std::vector<Shape>& shapes_;
  const std::vector<DType>& dtypes_;
  bool training_;
  const RunCall& run_;
  std::vector<NodeState> states_;
  std::unordered_map<int, std::vector<NDArray>> values_;
  std::unordered_map<const Node*, std::vector<Entry>> replaced_;
};

}  // namespace

std::vector<Entry> fold_constants(const IndexedGraph& graph, const std::vector<Entry>& heads,
                                  const std::vector<Shape>& shapes,
                                  const std::vector<DType>& dtypes, bool training,
                                  const RunCall& run) {
  return Folding(graph, shapes, dtypes, training, run).run(heads);
}

}  // namespace gemel
