// autograd::backward: the gradient pass over the tape, then its nodes as imperative calls.
#include <unordered_map>
#include <unordered_set>

#include "op/gradient.h"
#include "op/registry.h"
#include "runtime/autograd.h"
#include "runtime/deferral.h"
#include "runtime/invoke.h"
#include "runtime/tape.h"

namespace gemel::runtime {
namespace {

class ModeScope {
 public:
  ModeScope(bool recording, bool training)
      : recording_(set_recording(recording)), training_(set_training(training)) {}
  ~ModeScope() {
    set_recording(recording_);
    set_training(training_);
  }

 private:
  bool recording_, training_;
};

// The tape below `heads`: variables that want a gradient, in the order met, and every node.
struct Reached {
  std::vector<std::shared_ptr<TapeNode>> variables;
  std::vector<TapeNode*> nodes;
};

Reached reach(const std::vector<Entry>& heads) {
  Reached reached;
  std::unordered_set<const Node*> seen;
  std::vector<NodeRef> stack;
  for (const Entry& head : heads) stack.push_back(head.node);
  while (!stack.empty()) {
    NodeRef node = std::move(stack.back());
    stack.pop_back();
    if (!seen.insert(node.get()).second) continue;
    TapeNode* tape = as_tape_node(node.get());
    GEMEL_ASSERT(tape);
    GEMEL_CHECK(
        !tape->freed,
        "[backward] the recorded graph of '{}' was already freed by an earlier backward; pass "
        "retain_graph=True to the first one",
        tape->name);
    reached.nodes.push_back(tape);
    if (tape->is_variable()) {
      if (tape->request != GradRequest::null)
        reached.variables.push_back(std::static_pointer_cast<TapeNode>(node));
    }
    for (const Entry& input : node->inputs) stack.push_back(input.node);
  }
  return reached;
}

std::vector<Entry> head_entries(std::span<const NDArray> heads) {
  std::vector<Entry> entries;
  for (const NDArray& head : heads) {
    const TapeEntry* entry = tape_entry(head);
    GEMEL_CHECK(entry,
                "[backward] expected an array computed inside autograd.record() from an array with "
                "attach_grad(), got one that was not recorded");
    entries.push_back(Entry{entry->node, entry->index, 0});
  }
  return entries;
}

std::shared_ptr<TapeNode> constant(const NDArray& value) {
  auto node = std::make_shared<TapeNode>();
  node->values = {value};
  return node;
}

std::vector<Entry> head_gradient_entries(std::span<const NDArray> heads,
                                         std::span<const NDArray> given) {
  GEMEL_CHECK(given.empty() || given.size() == heads.size(),
              "[backward] expected {} head gradients, got {}", heads.size(), given.size());
  std::vector<Entry> entries;
  for (size_t i = 0; i < heads.size(); ++i) {
    NDArray gradient = i < given.size() ? given[i] : NDArray();
    if (!gradient) {
      NDArray in[1] = {heads[i]};
      in[0].set_history(nullptr);
      gradient = invoke("ones_like", in)[0];
    }
    GEMEL_CHECK(gradient.shape() == heads[i].shape(),
                "[backward] head gradient {}: expected shape {}, got {}", i, heads[i].shape(),
                gradient.shape());
    const TapeEntry* entry = tape_entry(gradient);
    entries.push_back(entry ? Entry{entry->node, entry->index, 0}
                            : Entry{constant(gradient), 0, 0});
  }
  return entries;
}

// Runs the nodes of a gradient graph; the tape's values are its leaves.
class Evaluator {
 public:
  // `targets`: for some gradient entries, the array to write into.
  Evaluator(const std::vector<Entry>& gradients, std::unordered_map<Entry, NDArray> targets,
            bool create_graph)
      : targets_(std::move(targets)), create_graph_(create_graph) {
    for (const Entry& entry : gradients)
      if (entry) visit(entry.node.get()), ++uses_[entry];
    for (Node* node : order_)
      for (const Entry& input : node->inputs) ++uses_[input];
    for (Node* node : order_) run(*node);
  }

  NDArray value(const Entry& entry) const {
    auto found = values_.find(entry);
    if (found != values_.end()) return found->second;
    TapeNode* tape = as_tape_node(entry.node.get());
    GEMEL_ASSERT(tape && entry.index < static_cast<int>(tape->values.size()));
    NDArray array = tape->values[entry.index];
    if (create_graph_) {
      auto history = make_ref<TapeEntry>();
      history->node = std::static_pointer_cast<TapeNode>(entry.node);
      history->index = entry.index;
      array.set_history(Ref<History>(history.get()));
    }
    return array;
  }

 private:
  bool is_leaf(const Node* node) const { return as_tape_node(node) != nullptr; }

  void visit(Node* root) {
    std::vector<std::pair<Node*, size_t>> stack;
    if (!is_leaf(root) && seen_.insert(root).second) stack.emplace_back(root, 0);
    while (!stack.empty()) {
      auto& [node, next] = stack.back();
      if (next == node->inputs.size()) {
        order_.push_back(node);
        stack.pop_back();
        continue;
      }
      Node* input = node->inputs[next++].node.get();
      if (input && !is_leaf(input) && seen_.insert(input).second) stack.emplace_back(input, 0);
    }
  }

  void run(Node& node) {
    const auto& info = static_cast<const OpInfo&>(*node.op);
    if (&info == &function_backward_operator()) return run_function(node);
    std::vector<NDArray> in;
    in.reserve(node.inputs.size());
    for (const Entry& input : node.inputs) in.push_back(value(input));
    NodeRef self = node.shared_from_this();
    std::vector<NDArray> out(info.visible_output_count(*node.parameters));
    for (size_t i = 0; i < out.size(); ++i)
      take_target(Entry{self, static_cast<int>(i), 0}, out[i]);
    invoke(info, node.parameters, in, out);
    for (size_t i = 0; i < out.size(); ++i)
      store(Entry{self, static_cast<int>(i), 0}, std::move(out[i]));
    release_inputs(node);
  }

  void run_function(Node& node) {
    GEMEL_CHECK(!create_graph_,
                "[backward] create_graph through the hybridized block or custom function '{}' is "
                "not supported; "
                "call it without hybridize()",
                node.name);
    TapeNode* recorded = as_tape_node(node.inputs[0].node.get());
    std::vector<NDArray> heads;
    for (size_t i = 1; i < node.inputs.size(); ++i)
      heads.push_back(node.inputs[i] ? value(node.inputs[i]) : NDArray());
    NodeRef self = node.shared_from_this();
    const size_t inputs = recorded->inputs.size();
    std::vector<NDArray> out(inputs);
    std::vector<bool> wanted(inputs);
    for (size_t i = 0; i < inputs; ++i) {
      Entry entry{self, static_cast<int>(i), 0};
      wanted[i] = uses_.contains(entry);
      take_target(entry, out[i]);
    }
    recorded->function(heads, out, wanted);
    for (size_t i = 0; i < inputs; ++i)
      if (wanted[i]) store(Entry{self, static_cast<int>(i), 0}, std::move(out[i]));
    release_inputs(node);
  }

  void take_target(const Entry& entry, NDArray& out) {
    auto found = targets_.find(entry);
    if (found != targets_.end() && !create_graph_) out = found->second;
  }
  void store(Entry entry, NDArray value) {
    if (uses_.contains(entry)) values_.emplace(std::move(entry), std::move(value));
  }
  void release_inputs(const Node& node) {
    for (const Entry& input : node.inputs)
      if (input && --uses_[input] == 0) values_.erase(input);
  }

  std::unordered_map<Entry, NDArray> values_, targets_;
  std::unordered_map<Entry, int> uses_;
  std::unordered_set<const Node*> seen_;
  std::vector<Node*> order_;
  bool create_graph_;
};

void free_graph(const Reached& reached) {
  // Nodes refer to their inputs, which refer to theirs: cut the links so that the memory goes now,
  // although a caller may still hold the last array.
  for (TapeNode* node : reached.nodes)
    if (!node->is_variable()) {
      node->freed = true;
      node->function = nullptr;
    }
  std::vector<std::vector<Entry>> links;
  for (TapeNode* node : reached.nodes)
    if (!node->is_variable()) {
      node->values.clear();
      links.push_back(std::move(node->inputs));
      node->inputs.clear();
    }
}

}  // namespace

void backward(std::span<const NDArray> heads, std::span<const NDArray> head_gradients,
              bool retain_graph, bool training) {
  push_deferred();
  std::vector<Entry> head_list = head_entries(heads);
  Reached reached = reach(head_list);
  ModeScope mode(false, training);
  std::vector<Entry> variables;
  for (auto& variable : reached.variables) variables.push_back(Entry{variable, 0, 0});
  GEMEL_CHECK(!variables.empty(), "[backward] no array with attach_grad() leads to the heads");
  std::vector<Entry> gradients =
      gradient(head_list, head_gradient_entries(heads, head_gradients), variables);

  // A gradient that is computed for one variable only is written where it belongs.
  std::unordered_map<Entry, int> uses;
  for (const Entry& entry : gradients) ++uses[entry];
  std::unordered_map<Entry, NDArray> targets;
  for (size_t i = 0; i < gradients.size(); ++i)
    if (reached.variables[i]->request == GradRequest::write && uses[gradients[i]] == 1 &&
        !as_tape_node(gradients[i].node.get()))
      targets.emplace(gradients[i], reached.variables[i]->gradient);
  Evaluator evaluator(gradients, targets, false);
  for (size_t i = 0; i < gradients.size(); ++i) {
    TapeNode& variable = *reached.variables[i];
    variable.fresh = true;
    NDArray value = evaluator.value(gradients[i]);
    if (variable.request == GradRequest::add) {
      NDArray in[2] = {variable.gradient, value}, out[1] = {variable.gradient};
      invoke(require_op("elemwise_add"), cached_parameters(require_op("elemwise_add"), {}), in,
             out);
    } else if (!(value.storage() == variable.gradient.storage() &&
                 value.offset() == variable.gradient.offset())) {
      NDArray in[1] = {value}, out[1] = {variable.gradient};
      invoke(require_op("_copy"), cached_parameters(require_op("_copy"), {}), in, out);
    }
  }
  if (!retain_graph) free_graph(reached);
}

std::vector<NDArray> gradients(std::span<const NDArray> heads,
                               std::span<const NDArray> head_gradients,
                               std::span<const NDArray> variables, bool retain_graph,
                               bool create_graph, bool training) {
  push_deferred();
  std::vector<Entry> head_list = head_entries(heads);
  std::vector<Entry> variable_list = head_entries(variables);
  Reached reached = reach(head_list);
  ModeScope mode(create_graph, training);
  std::vector<Entry> entries =
      gradient(head_list, head_gradient_entries(heads, head_gradients), variable_list);
  Evaluator evaluator(entries, {}, create_graph);
  std::vector<NDArray> values;
  for (const Entry& entry : entries) values.push_back(evaluator.value(entry));
  if (!retain_graph && !create_graph) free_graph(reached);
  return values;
}

}  // namespace gemel::runtime
