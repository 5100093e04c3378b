#include "graph/file_version.h"

#include "graph/hidden_keys.h"

namespace gemel {
namespace {

// The names of a node's inputs as far as they can be told before its parameters are known to parse.
std::vector<std::string> input_names_of(const Node& node, const Attributes& attributes) {
  return node.op->input_names(*node.op->parse(attributes));
}

}  // namespace

void upgrade_node(int version, Node& node) {
  if (version >= current_file_version) return;
  Attributes kept;
  std::vector<std::pair<std::pair<std::string, std::string>, std::string>> moved;
  for (const auto& [key, value] : node.attributes) {
    auto target = node.op ? input_hidden_key(key) : std::pair<std::string, std::string>();
    if (!target.first.empty())
      moved.emplace_back(std::move(target), value);
    else
      kept[stored_key(key)] = value;
  }
  if (version < 905 && node.op && (node.op->name() == "argmax" || node.op->name() == "argmin")) {
    const auto axis = kept.find("axis");
    if (axis != kept.end() && axis->second == "-1")
      kept.erase(axis);  // it meant: over all elements
  }
  if (!moved.empty()) {
    const std::vector<std::string> names = input_names_of(node, kept);
    for (auto& [target, value] : moved)
      for (size_t i = 0; i < names.size() && i < node.inputs.size(); ++i)
        if (names[i] == target.first && node.inputs[i].node->is_variable())
          node.inputs[i].node->attributes[target.second] = value;
  }
  node.attributes = std::move(kept);
}

void complete_inputs(int version, Node& node) {
  if (version >= 904) return;
  const std::vector<std::string> names = node.op->input_names(*node.parameters);
  if (version < 900)
    for (size_t i = node.inputs.size(); i < names.size(); ++i)
      node.inputs.push_back({make_variable(node.name + "_" + names[i], node.attributes), 0, 0});
  for (size_t i = 0; i < names.size() && i < node.inputs.size(); ++i) {
    if (!node.inputs[i].node->is_variable()) continue;
    for (auto& [key, value] : node.op->input_attributes(names[i]))
      node.inputs[i].node->attributes.try_emplace(key, value);
  }
}

}  // namespace gemel
