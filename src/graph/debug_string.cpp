#include "graph/symbol.h"

namespace gemel {

std::string debug_string(const Symbol& symbol) {
  if (symbol.outputs.size() == 1 && symbol.outputs[0].node->is_variable())
    return "Variable:" + symbol.outputs[0].node->name + "\n";
  const auto place = [](const Entry& entry) {
    return entry.node->name + "(" + std::to_string(entry.index) + ")";
  };
  std::string text = "Symbol Outputs:\n";
  for (size_t i = 0; i < symbol.outputs.size(); ++i)
    text += "\toutput[" + std::to_string(i) + "]=" + place(symbol.outputs[i]) + "\n";
  for (const Node* node : topological_order(symbol.outputs)) {
    if (node->is_variable()) {
      text += "Variable:" + node->name + "\n";
      continue;
    }
    text += "--------------------\nOp:" + node->op->name() + ", Name=" + node->name + "\nInputs:\n";
    for (size_t i = 0; i < node->inputs.size(); ++i) {
      const Entry& entry = node->inputs[i];
      text += "\targ[" + std::to_string(i) + "]=" + place(entry);
      if (entry.node->is_variable()) text += " version=" + std::to_string(entry.version);
      text += "\n";
    }
    if (!node->attributes.empty()) text += "Attrs:\n";
    for (const auto& [key, value] : node->attributes) text += "\t" + key + "=" + value + "\n";
    for (const NodeRef& other : node->control) text += "\tafter " + other->name + "\n";
  }
  return text;
}

}  // namespace gemel
