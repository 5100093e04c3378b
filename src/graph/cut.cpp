#include "graph/cut.h"

#include <unordered_map>

#include "graph/hidden_keys.h"

namespace gemel {
namespace {

class Cutter {
 public:
  explicit Cutter(const std::string& scope) : scope_(scope) {}

  bool inside(const Node& node) const {
    const auto found = node.attributes.find("__subgraph_name__");
    return !node.is_variable() && found != node.attributes.end() && found->second == scope_;
  }

  // Outer nodes are not descended into, so the walk is not topological_order()'s.
  Entry copy(const Entry& entry) {
    std::vector<Node*> stack{entry.node.get()};
    while (!stack.empty()) {
      Node* node = stack.back();
      if (!inside(*node) || copies_.contains(node)) {
        stack.pop_back();
        continue;
      }
      bool ready = true;
      for (size_t i = node->inputs.size(); i-- > 0;) {
        Node* input = node->inputs[i].node.get();
        if (inside(*input) && !copies_.contains(input)) {
          stack.push_back(input);
          ready = false;
        }
      }
      if (!ready) continue;
      stack.pop_back();
      auto made = std::make_shared<Node>();
      made->op = node->op;
      made->name = node->name;
      made->attributes = node->attributes;
      made->parameters = node->parameters;
      made->subgraphs = node->subgraphs;
      for (const Entry& input : node->inputs) made->inputs.push_back(linked(input));
      copies_.emplace(node, std::move(made));
    }
    return linked(entry);
  }

  std::vector<Entry> outside_of(const Symbol& graph) const {
    std::vector<Entry> outside;
    for (const NodeRef& variable : graph.input_nodes()) {
      const auto stands_for = cut_.find(variable.get());
      outside.push_back(stands_for == cut_.end() ? Entry{variable, 0, variable->mutations}
                                                 : stands_for->second);
    }
    return outside;
  }

 private:
  Entry linked(const Entry& entry) {
    if (entry.node->is_variable()) return entry;
    if (inside(*entry.node)) return {copies_.at(entry.node.get()), entry.index, entry.version};
    NodeRef& variable = placeholders_[Entry{entry.node, entry.index, 0}];
    if (!variable) {
      variable = make_variable(Symbol({entry}).list_outputs()[0]);
      cut_.emplace(variable.get(), entry);
    }
    return {variable, 0, 0};
  }

  const std::string& scope_;
  std::unordered_map<const Node*, NodeRef> copies_;
  std::unordered_map<Entry, NodeRef> placeholders_;
  std::unordered_map<const Node*, Entry> cut_;
};

}  // namespace

Cut cut_subgraph(const Symbol& symbol, const std::string& scope) {
  Cutter cutter(scope);
  Cut result;
  for (const Entry& output : symbol.outputs) result.graph.outputs.push_back(cutter.copy(output));
  result.outside = cutter.outside_of(result.graph);
  return result;
}

Symbol create_with_subgraphs(const Operator& op, const std::string& name,
                             const Attributes& attributes, const std::vector<Entry>& inputs,
                             Subgraphs subgraphs) {
  const NodeRef node =
      make_node(op, name, inputs, stored_attributes(attributes), std::move(subgraphs));
  Symbol result;
  for (int i = 0; i < node->visible_output_count(); ++i) result.outputs.push_back({node, i, 0});
  return result;
}

}  // namespace gemel
