#include "graph/symbol.h"

#include <unordered_map>
#include <unordered_set>

#include "base/error.h"
#include "base/pointer_map.h"
#include "graph/close_names.h"
#include "graph/hidden_keys.h"

namespace gemel {
namespace {

std::string output_name(const Entry& entry) {
  const Node& node = *entry.node;
  if (node.is_variable()) return node.name;
  return node.name + "_" +
         node.op->output_names(*node.parameters)[static_cast<size_t>(entry.index)];
}

// Variables in depth-first order, each with whether some operator writes it as auxiliary state.
std::vector<std::pair<Node*, bool>> variables(const std::vector<Entry>& outputs) {
  const std::vector<Node*> order = topological_order(outputs);
  PointerSet<Node> auxiliary;
  for (const Node* node : order) {
    if (node->is_variable()) continue;
    const size_t count = static_cast<size_t>(node->op->auxiliary_count(*node->parameters));
    for (size_t i = node->inputs.size() - std::min(count, node->inputs.size());
         i < node->inputs.size(); ++i)
      auxiliary.insert(node->inputs[i].node.get());
  }
  std::vector<std::pair<Node*, bool>> result;
  for (Node* node : order)
    if (node->is_variable()) result.emplace_back(node, auxiliary.contains(node));
  return result;
}

}  // namespace

Symbol Symbol::variable(std::string name, Attributes attributes) {
  return Symbol({Entry{make_variable(std::move(name), stored_attributes(attributes)), 0, 0}});
}

Symbol Symbol::group(const std::vector<Symbol>& symbols) {
  GEMEL_CHECK(!symbols.empty(), "[Group] expected at least one symbol, got none");
  Symbol result;
  for (const Symbol& symbol : symbols)
    result.outputs.insert(result.outputs.end(), symbol.outputs.begin(), symbol.outputs.end());
  return result;
}

std::string Symbol::name() const {
  for (const Entry& entry : outputs)
    if (entry.node != outputs[0].node) return "";
  return outputs.empty() ? "" : outputs[0].node->name;
}

std::vector<std::string> Symbol::list_arguments() const {
  std::vector<std::string> names;
  for (const auto& [node, auxiliary] : variables(outputs))
    if (!auxiliary) names.push_back(node->name);
  return names;
}

std::vector<std::string> Symbol::list_auxiliary_states() const {
  std::vector<std::string> names;
  for (const auto& [node, auxiliary] : variables(outputs))
    if (auxiliary) names.push_back(node->name);
  return names;
}

std::vector<std::string> Symbol::list_inputs() const {
  std::vector<std::string> names;
  for (const auto& [node, auxiliary] : variables(outputs)) names.push_back(node->name);
  return names;
}

std::vector<std::string> Symbol::list_outputs() const {
  std::vector<std::string> names;
  for (const Entry& entry : outputs) names.push_back(output_name(entry));
  return names;
}

std::vector<NodeRef> Symbol::input_nodes() const {
  std::vector<NodeRef> nodes;
  for (const auto& [node, auxiliary] : variables(outputs))
    nodes.push_back(node->shared_from_this());
  return nodes;
}

std::vector<bool> Symbol::input_is_auxiliary() const {
  std::vector<bool> flags;
  for (const auto& [node, auxiliary] : variables(outputs)) flags.push_back(auxiliary);
  return flags;
}

Symbol Symbol::internals() const {
  Symbol result;
  for (Node* node : topological_order(outputs))
    for (int i = 0; i < node->visible_output_count(); ++i)
      result.outputs.push_back({node->shared_from_this(), i, 0});
  return result;
}

std::optional<Symbol> Symbol::children() const {
  Symbol result;
  std::unordered_set<const Node*> seen;
  for (const Entry& entry : outputs)
    if (seen.insert(entry.node.get()).second)
      result.outputs.insert(result.outputs.end(), entry.node->inputs.begin(),
                            entry.node->inputs.end());
  if (result.outputs.empty()) return std::nullopt;
  return result;
}

Symbol Symbol::at(int index) const {
  if (index < 0 || static_cast<size_t>(index) >= outputs.size())
    fail(ErrorKind::Index, "output {} is out of range, the symbol has {} outputs", index,
         outputs.size());
  return Symbol({outputs[static_cast<size_t>(index)]});
}

int Symbol::index_of(const std::string& wanted) const {
  const std::vector<std::string> names = list_outputs();
  int found = -1;
  for (size_t i = 0; i < names.size(); ++i) {
    if (names[i] != wanted) continue;
    GEMEL_CHECK(found < 0, "there are several outputs named '{}', expected one", wanted);
    found = static_cast<int>(i);
  }
  GEMEL_CHECK(found >= 0, "cannot find an output that matches the name '{}'{}", wanted,
              did_you_mean(wanted, names));
  return found;
}

std::optional<std::string> Symbol::attribute(std::string_view key) const {
  if (outputs.empty()) return std::nullopt;
  for (const Entry& entry : outputs)
    if (entry.node != outputs[0].node) return std::nullopt;
  const Node& node = *outputs[0].node;
  if (key == "name") return node.name;
  if (key == "_value_index") {
    std::string places;
    for (const Entry& entry : outputs)
      places += (places.empty() ? "" : ", ") + std::to_string(entry.index);
    return places;
  }
  const auto found = node.attributes.find(stored_key(key));
  if (found == node.attributes.end()) return std::nullopt;
  return found->second;
}

void Symbol::set_attribute(const std::string& key, const std::string& value) {
  const std::string stored = stored_key(key);
  for (const Entry& entry : outputs) {
    Node& node = *entry.node;
    Attributes changed = node.attributes;
    changed[stored] = value;
    if (node.op && !is_dunder_key(stored))
      node.parameters = node.op->parse(changed, node.subgraphs);
    node.attributes = std::move(changed);
  }
}

Attributes Symbol::attributes() const {
  return outputs.empty() ? Attributes() : shown_attributes(outputs[0].node->attributes);
}

std::vector<std::pair<std::string, Attributes>> Symbol::all_attributes() const {
  std::vector<std::pair<std::string, Attributes>> result;
  for (const Node* node : topological_order(outputs))
    if (!node->attributes.empty())
      result.emplace_back(node->name, shown_attributes(node->attributes));
  return result;
}

Symbol Symbol::copy() const {
  std::unordered_map<const Node*, NodeRef> copies;
  for (const Node* node : topological_order(outputs)) {
    auto made = std::make_shared<Node>();
    made->op = node->op;
    made->name = node->name;
    made->attributes = node->attributes;
    made->parameters = node->parameters;
    made->mutations = node->mutations;
    for (const Entry& entry : node->inputs)
      made->inputs.push_back({copies.at(entry.node.get()), entry.index, entry.version});
    for (const NodeRef& other : node->control) made->control.push_back(copies.at(other.get()));
    for (const auto& inner : node->subgraphs)
      made->subgraphs.push_back(std::make_shared<Symbol>(inner->copy()));
    copies.emplace(node, std::move(made));
  }
  Symbol result;
  for (const Entry& entry : outputs)
    result.outputs.push_back({copies.at(entry.node.get()), entry.index, entry.version});
  return result;
}

}  // namespace gemel
