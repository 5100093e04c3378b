#include "passes/common_subexpressions.h"

#include <typeinfo>
#include <unordered_map>
#include <unordered_set>

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
std::string identity_of(const Node& node, const std::vector<Entry>& inputs) {
  const auto& op = static_cast<const OpInfo&>(*node.op);
  std::string key = fmt::format("{}", static_cast<const void*>(&op));
  // Parameters that have more to them than declared fields are the same only if they are one
  // object.
  const Parameters& parameters = *node.parameters;
  if (!op.spec.fields.empty())
    for (const auto& [name, value] : op.spec.print(parameters)) key += ';' + name + '=' + value;
  else if (typeid(parameters) != typeid(NoParameters))
    key += fmt::format(";{}", static_cast<const void*>(&parameters));
  for (const Entry& input : inputs)
    key += fmt::format("|{}:{}", static_cast<const void*>(input.node.get()), input.index);
  return key;
}

}  // namespace

std::vector<Entry> merge_common_subexpressions(const std::vector<Entry>& heads) {
  const std::vector<Node*> order = topological_order(heads);
  const std::unordered_set<Entry> written = written_entries(order);
  std::unordered_map<const Node*, NodeRef> replaced;
  std::unordered_map<std::string, NodeRef> known;
  const auto map = [&](const Entry& entry) {
    const auto found = replaced.find(entry.node.get());
    return found == replaced.end() ? entry : Entry{found->second, entry.index, entry.version};
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
    if (!reads_written && passes::is_pure(*node))
      self = known.try_emplace(identity_of(*self, self->inputs), self).first->second;
    if (self.get() != node) replaced[node] = self;
  }
  std::vector<Entry> results;
  for (const Entry& head : heads) results.push_back(map(head));
  return results;
}

}  // namespace gemel
