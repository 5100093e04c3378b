#include "passes/common_subexpressions.h"

#include <algorithm>
#include <bit>
#include <typeinfo>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "base/pointer_map.h"
#include "op/op_info.h"
#include "passes/pure.h"
#include "passes/with_inputs.h"

namespace gemel {
namespace {

// Entries that some operator of the graph writes, as auxiliary state or otherwise.
std::unordered_set<Entry> written_entries(const std::vector<Node*>& order) {
  std::unordered_set<Entry> written;
  const auto add = [&](const Entry& entry) { written.insert(Entry{entry.node, entry.index, 0}); };
  for (const Node* node : order) {
    if (node->is_variable()) continue;
    const auto& op = static_cast<const OpInfo&>(*node->op);
    for (int i : op.mutated_inputs(*node->parameters)) add(node->inputs[static_cast<size_t>(i)]);
    const auto states = static_cast<size_t>(op.auxiliary_count(*node->parameters));
    for (size_t i = node->inputs.size() - std::min(states, node->inputs.size());
         i < node->inputs.size(); ++i)
      add(node->inputs[i]);
  }
  return written;
}

// What tells a node apart: its operator, its parameters' texts and its inputs.
std::string identity_of(const Node& node) {
  const auto& op = static_cast<const OpInfo&>(*node.op);
  std::string key = fmt::format("{}", static_cast<const void*>(&op));
  // Parameters that have more to them than declared fields are the same only if they are one
  // object.
  const Parameters& parameters = *node.parameters;
  if (!op.spec.fields.empty())
    for (const auto& [name, value] : op.spec.print(parameters)) key += ';' + name + '=' + value;
  else if (typeid(parameters) != typeid(NoParameters))
    key += fmt::format(";{}", static_cast<const void*>(&parameters));
  for (const Entry& input : node.inputs)
    key += fmt::format("|{}:{}", static_cast<const void*>(input.node.get()), input.index);
  return key;
}

bool same_inputs(const Node& a, const Node& b) {
  return std::equal(
      a.inputs.begin(), a.inputs.end(), b.inputs.begin(), b.inputs.end(),
      [](const Entry& x, const Entry& y) { return x.node == y.node && x.index == y.index; });
}

// The nodes of a graph that differ. Few share operator and inputs: only those are told apart by
// their parameters' texts.
class Distinct {
 public:
  explicit Distinct(size_t nodes) : first_(std::bit_ceil(nodes + 1), -1) {}

  // The node that computes the same and came before; `node` itself when none did.
  NodeRef like(const NodeRef& node) {
    size_t hash = std::hash<const void*>()(node->op);
    for (const Entry& input : node->inputs)
      hash = (hash ^ std::hash<Entry>()(input)) * 0x9E3779B97F4A7C15;
    int& first = first_[(hash >> 32) & (first_.size() - 1)];
    for (int i = first; i >= 0; i = seen_[static_cast<size_t>(i)].next) {
      Seen& other = seen_[static_cast<size_t>(i)];
      if (other.hash != hash || other.node->op != node->op || !same_inputs(*other.node, *node))
        continue;
      if (!std::exchange(other.has_text, true)) by_text_[identity_of(*other.node)] = other.node;
      return by_text_.try_emplace(identity_of(*node), node).first->second;
    }
    seen_.push_back({node, hash, first, false});
    first = static_cast<int>(seen_.size()) - 1;
    return node;
  }

 private:
  struct Seen {
    NodeRef node;
    size_t hash;
    int next;  // of the same place in first_; -1: none
    bool has_text;
  };
  std::vector<int> first_;
  std::vector<Seen> seen_;
  std::unordered_map<std::string, NodeRef> by_text_;
};

}  // namespace

std::vector<Entry> merge_common_subexpressions(const std::vector<Entry>& heads) {
  const std::vector<Node*> order = topological_order(heads);
  const std::unordered_set<Entry> written = written_entries(order);
  PointerMap<Node, NodeRef> replaced;
  Distinct distinct(order.size());
  const auto map = [&](const Entry& entry) {
    const NodeRef* found = replaced.find(entry.node.get());
    return found ? Entry{*found, entry.index, entry.version} : entry;
  };
  for (Node* node : order) {
    if (node->is_variable()) continue;
    std::vector<Entry> inputs;
    bool changed = passes::waits_for_changed(*node, map), reads_written = false;
    for (const Entry& input : node->inputs) {
      inputs.push_back(map(input));
      changed = changed || inputs.back().node != input.node;
      reads_written = reads_written || written.contains(Entry{input.node, input.index, 0});
    }
    NodeRef self = node->shared_from_this();
    if (changed) self = passes::with_inputs(*node, std::move(inputs), map);
    if (!reads_written && passes::is_pure(*node)) self = distinct.like(self);
    if (self.get() != node) replaced[node] = self;
  }
  std::vector<Entry> results;
  for (const Entry& head : heads) results.push_back(map(head));
  return results;
}

}  // namespace gemel
