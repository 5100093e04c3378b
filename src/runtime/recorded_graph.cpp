#include "runtime/recorded_graph.h"

#include <algorithm>
#include <unordered_set>

#include "op/gradient.h"

namespace gemel::runtime {
namespace {

constexpr size_t searched_linearly = 16;
constexpr size_t most_kept_nodes = 4096;
constexpr size_t most_kept_graphs = 64;

using Source = BackwardCalls::Source;

// Turns the gradient graph into a list.
class Listing {
 public:
  Listing(const RecordedGraph& graph, const std::vector<Entry>& heads,
          const std::vector<Entry>& variables, BackwardCalls& calls)
      : graph_(graph), calls_(calls) {
    std::vector<Entry> head_gradients;
    for (size_t i = 0; i < heads.size(); ++i) {
      placeholders_.push_back(std::make_shared<TapeNode>());
      head_gradients.push_back({placeholders_.back(), 0, 0});
    }
    std::vector<NodeGradient> by_node;
    const std::vector<Entry> gradients = gradient(heads, head_gradients, variables, &by_node);
    for (const NodeGradient& part : by_node) mark_modes(part);
    for (const Entry& entry : gradients) visit(entry.node.get());
    for (const Entry& entry : gradients) calls_.results.push_back(source(entry));
    for (const Source& result : calls_.results)
      if (result.kind == Source::value) ++calls_.result_count[result.number];
  }

 private:
  static bool is_leaf(const Node* node) { return as_tape_node(node) != nullptr; }

  // What a call's gradient added to the graph runs in the mode of that call. The parts come last
  // call first, so what is marked already belongs to a later one.
  void mark_modes(const NodeGradient& part) {
    const TapeNode* call = as_tape_node(part.node.get());
    if (!call) return;
    std::vector<const Node*> stack;
    const auto mark = [&](const Entry& entry) {
      const Node* node = entry.node.get();
      if (node && !is_leaf(node) && modes_.emplace(node, call->training).second)
        stack.push_back(node);
    };
    for (const Entry& entry : part.inputs) mark(entry);
    while (!stack.empty()) {
      const Node* node = stack.back();
      stack.pop_back();
      for (const Entry& entry : node->inputs) mark(entry);
    }
  }

  void visit(Node* root) {
    std::vector<std::pair<Node*, size_t>> stack;
    if (!is_leaf(root) && seen_.insert(root).second) stack.emplace_back(root, 0);
    while (!stack.empty()) {
      auto& [node, next] = stack.back();
      if (next == node->inputs.size()) {
        add(*node);
        stack.pop_back();
        continue;
      }
      Node* input = node->inputs[next++].node.get();
      if (input && !is_leaf(input) && seen_.insert(input).second) stack.emplace_back(input, 0);
    }
  }

  void add(const Node& node) {
    BackwardCalls::Step step;
    step.op = static_cast<const OpInfo*>(node.op);
    step.parameters = node.parameters;
    step.name = node.name;
    if (const auto mode = modes_.find(&node); mode != modes_.end()) step.training = mode->second;
    size_t first_input = 0;
    if (step.op == &function_backward_operator()) {
      step.recorded = graph_.number_of(node.inputs[0].node.get());
      first_input = 1;
    }
    for (size_t i = first_input; i < node.inputs.size(); ++i) {
      step.inputs.push_back(source(node.inputs[i]));
      if (step.inputs.back().kind == Source::value)
        calls_.last_reader[step.inputs.back().number] = static_cast<int>(calls_.steps.size());
    }
    step.first_value = static_cast<int>(calls_.last_reader.size());
    step.values = node.visible_output_count();
    first_value_[&node] = step.first_value;
    calls_.last_reader.resize(step.first_value + step.values, -1);
    calls_.result_count.resize(calls_.last_reader.size(), 0);
    calls_.steps.push_back(std::move(step));
  }

  Source source(const Entry& entry) const {
    if (!entry) return {};
    const Node* node = entry.node.get();
    if (!is_leaf(node)) return {Source::value, first_value_.at(node) + entry.index, 0};
    for (size_t i = 0; i < placeholders_.size(); ++i)
      if (placeholders_[i].get() == node) return {Source::head, static_cast<int>(i), 0};
    const int number = graph_.number_of(node);
    GEMEL_ASSERT(number >= 0);
    return {Source::tape, number, entry.index};
  }

  const RecordedGraph& graph_;
  BackwardCalls& calls_;
  std::vector<NodeRef> placeholders_;
  std::unordered_set<const Node*> seen_;
  std::unordered_map<const Node*, bool> modes_;
  std::unordered_map<const Node*, int> first_value_;
};

struct SignatureHash {
  size_t operator()(const std::vector<uint64_t>& words) const {
    uint64_t hash = words.size();
    for (uint64_t word : words) hash = (hash ^ word) * 0x9E3779B97F4A7C15ull + (hash >> 29);
    return hash;
  }
};

}  // namespace

RecordedGraph::RecordedGraph(const std::vector<Entry>& heads, const std::vector<Entry>& others) {
  std::vector<TapeNode*> stack;
  for (const Entry& head : heads) stack.push_back(static_cast<TapeNode*>(head.node.get()));
  nodes_.reserve(searched_linearly);
  while (!stack.empty()) {
    TapeNode* node = stack.back();
    stack.pop_back();
    if (!add(node)) continue;
    GEMEL_CHECK(!node->freed,
                "[backward] the recorded graph of '{}' was already freed by an earlier backward; "
                "pass retain_graph=True to the first one",
                node->name);
    for (const Entry& input : node->inputs)
      stack.push_back(static_cast<TapeNode*>(input.node.get()));
  }
  for (const Entry& other : others) add(static_cast<TapeNode*>(other.node.get()));
}

bool RecordedGraph::add(TapeNode* node) {
  if (number_of(node) >= 0) return false;
  nodes_.push_back(node);
  if (nodes_.size() == searched_linearly + 1)
    for (size_t i = 0; i < nodes_.size(); ++i) numbers_.emplace(nodes_[i], static_cast<int>(i));
  else if (nodes_.size() > searched_linearly)
    numbers_.emplace(node, static_cast<int>(nodes_.size()) - 1);
  return true;
}

int RecordedGraph::number_of(const Node* node) const {
  if (nodes_.size() <= searched_linearly) {
    for (size_t i = 0; i < nodes_.size(); ++i)
      if (nodes_[i] == node) return static_cast<int>(i);
    return -1;
  }
  const auto found = numbers_.find(node);
  return found == numbers_.end() ? -1 : found->second;
}

std::vector<Entry> RecordedGraph::variables() const {
  std::vector<Entry> result;
  for (TapeNode* node : nodes_)
    if (node->is_variable() && node->request != GradRequest::null)
      result.push_back({node->shared_from_this(), 0, 0});
  return result;
}

std::vector<uint64_t> RecordedGraph::signature(const std::vector<Entry>& heads,
                                               const std::vector<Entry>& variables) const {
  if (nodes_.size() > most_kept_nodes) return {};
  std::vector<uint64_t> words;
  words.reserve(4 * nodes_.size() + heads.size() + variables.size() + 2);
  const auto append = [&](const Entry& entry) {
    words.push_back(static_cast<uint64_t>(number_of(entry.node.get())) << 32 |
                    static_cast<uint32_t>(entry.index));
  };
  words.push_back(heads.size());
  for (const Entry& head : heads) append(head);
  words.push_back(variables.size());
  for (const Entry& variable : variables) append(variable);
  for (const TapeNode* node : nodes_) {
    words.push_back(reinterpret_cast<uintptr_t>(node->op));
    if (!node->op) continue;
    const auto& op = static_cast<const OpInfo&>(*node->op);
    if (op.instantiate || op.take_subgraphs || op.parse_rule || !node->subgraphs.empty()) return {};
    // Parameters of recorded functions are new objects each time; only their number counts.
    words.push_back(node->function ? node->values.size()
                                   : reinterpret_cast<uintptr_t>(node->parameters.get()));
    words.push_back(node->inputs.size() << 1 | node->training);
    for (const Entry& input : node->inputs) append(input);
  }
  return words;
}

std::shared_ptr<const BackwardCalls> BackwardCalls::of(const RecordedGraph& graph,
                                                       const std::vector<Entry>& heads,
                                                       const std::vector<Entry>& variables) {
  thread_local std::unordered_map<std::vector<uint64_t>, std::shared_ptr<const BackwardCalls>,
                                  SignatureHash>
      cache;
  std::vector<uint64_t> signature = graph.signature(heads, variables);
  if (!signature.empty())
    if (auto found = cache.find(signature); found != cache.end()) return found->second;
  auto calls = std::make_shared<BackwardCalls>();
  Listing(graph, heads, variables, *calls);
  if (signature.empty()) return calls;
  for (const TapeNode* node : graph.nodes())
    if (node->parameters) calls->kept.push_back(node->parameters);
  if (cache.size() >= most_kept_graphs) cache.clear();
  cache.emplace(std::move(signature), calls);
  return calls;
}

}  // namespace gemel::runtime
