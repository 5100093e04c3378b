#include "runtime/backward_graph.h"

#include <unordered_map>
#include <unordered_set>

#include "op/op_info.h"

namespace gemel::runtime {

BackwardGraph make_backward_graph(const Symbol& symbol, const std::vector<NodeRef>& variables,
                                  bool by_node) {
  BackwardGraph result;
  std::vector<Entry> heads, head_gradients, with_respect_to;
  for (size_t i = 0; i < symbol.outputs.size(); ++i) {
    const Entry& output = symbol.outputs[i];
    const auto* info = static_cast<const OpInfo*>(output.node->op);
    NodeRef placeholder;
    if (!info || !info->ignores_head_gradient)
      placeholder = make_variable(fmt::format("_head_gradient{}", i));
    result.head_gradients.push_back(placeholder);
    heads.push_back(output);
    head_gradients.push_back(Entry{placeholder, 0, 0});
  }
  for (const NodeRef& variable : variables) with_respect_to.push_back(Entry{variable, 0, 0});
  result.gradients =
      gradient(heads, head_gradients, with_respect_to, by_node ? &result.by_node : nullptr);

  std::unordered_set<const Node*> forward;
  for (const Node* node : topological_order(symbol.outputs)) forward.insert(node);
  std::unordered_map<Entry, NodeRef> placeholders;
  auto replace = [&](Entry& entry) {
    if (!entry || entry.node->is_variable() || !forward.contains(entry.node.get())) return;
    Entry key{entry.node, entry.index, 0};
    auto [found, fresh] = placeholders.try_emplace(key);
    if (fresh) {
      found->second = make_variable(entry.node->name + "_saved" + std::to_string(entry.index));
      result.saved.push_back(key);
      result.saved_placeholders.push_back(found->second);
    }
    entry = Entry{found->second, 0, 0};
  };
  // The gradient pass made these nodes for us alone, so their links may be changed in place.
  std::unordered_set<const Node*> backward;
  for (Node* node : topological_order(result.gradients)) {
    backward.insert(node);
    if (!forward.contains(node))
      for (Entry& input : node->inputs) replace(input);
  }
  for (Entry& entry : result.gradients) replace(entry);
  for (NodeGradient& node : result.by_node)
    for (Entry& entry : node.inputs)
      if (entry && !backward.contains(entry.node.get()))
        entry = {};
      else
        replace(entry);
  return result;
}

}  // namespace gemel::runtime
