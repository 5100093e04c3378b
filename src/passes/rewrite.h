// Rebuilds a graph node by node, for passes that put other nodes in place of some.
#pragma once
#include <vector>

#include "graph/indexed.h"
#include "passes/with_inputs.h"

namespace gemel::passes {

// How many nodes and heads read each entry of the graph.
inline std::vector<int> count_readers(const IndexedGraph& graph) {
  std::vector<int> readers(static_cast<size_t>(graph.entry_count()));
  for (int n = 0; n < graph.node_count(); ++n)
    for (int entry : graph.inputs(n)) ++readers[static_cast<size_t>(entry)];
  for (int head : graph.heads()) ++readers[static_cast<size_t>(head)];
  return readers;
}

// Calls rule(n, node) for each operator in order, where `node` is node n over rewritten inputs.
// The rule gives what stands for the node's output 0, whose other outputs nobody may read then, or
// an empty entry: the node itself.
template <typename Rule>
std::vector<Entry> rewrite(const IndexedGraph& graph, const std::vector<Entry>& heads,
                           Rule&& rule) {
  PointerMap<Node, Entry> replaced;
  const auto map = [&](const Entry& entry) {
    const Entry* found = replaced.find(entry.node.get());
    if (!found) return entry;
    return Entry{found->node, found->index + entry.index, entry.version};
  };
  for (int n = 0; n < graph.node_count(); ++n) {
    Node& node = *graph.node(n);
    if (node.is_variable()) continue;
    std::vector<Entry> inputs;
    bool changed = false;
    for (const Entry& input : node.inputs) {
      inputs.push_back(map(input));
      changed = changed || !(inputs.back() == input);
    }
    NodeRef self = node.shared_from_this();
    if (changed) self = with_inputs(node, std::move(inputs), map);
    Entry result = rule(n, self);
    if (!result && changed) result = {self, 0, 0};
    if (result) replaced.try_emplace(&node, std::move(result));
  }
  std::vector<Entry> results;
  for (const Entry& head : heads) results.push_back(map(head));
  return results;
}

}  // namespace gemel::passes
