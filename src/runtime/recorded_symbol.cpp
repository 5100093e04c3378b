// autograd's tape as a symbol.
#include <unordered_map>

#include "graph/symbol.h"
#include "op/op_info.h"
#include "runtime/autograd.h"
#include "runtime/tape.h"

namespace gemel::runtime {
namespace {

// The parameters that differ from their defaults, as text; required ones always.
Attributes given_parameters(const OpInfo& op, const Parameters& parameters) {
  const std::shared_ptr<Parameters> fresh = op.spec.make();
  Attributes given;
  for (const Field& field : op.spec.fields) {
    const std::string text = field.print(parameters);
    if (field.fallback_text) {
      field.parse(*fresh, *field.fallback_text);
      if (field.print(*fresh) == text) continue;
    }
    given.emplace(field.name, text);
  }
  return given;
}

}  // namespace

Symbol recorded_symbol(const NDArray& array) {
  const TapeEntry* entry = tape_entry(array);
  GEMEL_CHECK(entry,
              "[get_symbol] the array is not part of a computation graph: was it computed "
              "while recording, from an array with attach_grad()?");
  std::unordered_map<const Node*, NodeRef> made;
  int variables = 0, operators = 0;
  for (const Node* node : topological_order({Entry{entry->node, entry->index, 0}})) {
    if (node->is_variable()) {
      const TapeNode* leaf = as_tape_node(node);
      const char* stem = leaf && leaf->gradient ? "var" : "null";
      made[node] = make_variable(stem + std::to_string(variables++));
      continue;
    }
    const auto& op = static_cast<const OpInfo&>(*node->op);
    const TapeNode* recorded = as_tape_node(node);
    GEMEL_CHECK(!recorded || !recorded->function,
                "[get_symbol] a user's function or a cached graph is not an operator");
    std::vector<Entry> inputs;
    for (const Entry& input : node->inputs)
      inputs.push_back({made.at(input.node.get()), input.index, 0});
    made[node] = make_node(op, "node_" + std::to_string(operators++), std::move(inputs),
                           given_parameters(op, *node->parameters));
  }
  return Symbol({Entry{made.at(entry->node.get()), entry->index, 0}});
}

}  // namespace gemel::runtime
