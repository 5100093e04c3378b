#include "graph/amp_cast.h"

namespace gemel {
namespace {

bool is_cast(const Node& node) {
  return node.op && (node.op->name() == "amp_cast" || node.op->name() == "amp_multicast");
}

void skip_casts(Entry& entry) {
  while (is_cast(*entry.node)) {
    // amp_multicast has as many outputs as inputs, amp_cast one of each.
    const Entry source = entry.node->inputs.at(static_cast<size_t>(entry.index));
    entry = source;
  }
}

}  // namespace

Symbol without_amp_cast(const Symbol& symbol) {
  bool any = false;
  for (const Node* node : topological_order(symbol.outputs)) any = any || is_cast(*node);
  if (!any) return symbol;
  Symbol result = symbol.copy();
  for (Node* node : topological_order(result.outputs))
    for (Entry& input : node->inputs) skip_casts(input);
  return result;
}

}  // namespace gemel
