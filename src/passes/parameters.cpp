#include "passes/parameters.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "base/pointer_map.h"
#include "passes/pure.h"

namespace gemel::passes {
namespace {

bool is_parameter_name(std::string_view name) {
  constexpr std::array<std::string_view, 7> names = {
      "weight", "bias", "gamma", "beta", "parameters", "moving_mean", "moving_var"};
  return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

ParameterSet parameters_of(const std::vector<Entry>& heads) {
  struct Reads {
    bool any = false, all = true;  // of the node's outputs; all: as parameters
  };
  PointerMap<Node, Reads> reads;
  const auto note = [&](const Entry& entry, bool as_parameter) {
    Reads& r = reads[entry.node.get()];
    r.any = true;
    r.all = r.all && as_parameter;
  };
  for (const Entry& head : heads)
    if (!head.node->is_variable()) note(head, false);
  const std::vector<Node*> order = topological_order(heads);
  for (auto node = order.rbegin(); node != order.rend(); ++node) {
    if ((*node)->is_variable()) continue;
    const auto& op = static_cast<const OpInfo&>(*(*node)->op);
    const std::vector<int> written = op.mutated_inputs(*(*node)->parameters);
    const std::vector<std::string> names = op.input_names(*(*node)->parameters);
    const Reads own = reads[*node];
    const bool passes_on = (*node)->inputs.size() == 1 && is_pure(**node) && own.any && own.all;
    for (size_t i = 0; i < (*node)->inputs.size(); ++i) {
      const bool is_written = std::find(written.begin(), written.end(), i) != written.end();
      const bool named = i < names.size() && is_parameter_name(names[i]);
      note((*node)->inputs[i], (named || passes_on) && !is_written);
    }
  }
  ParameterSet result;
  for (const Node* node : order) {
    if (!node->is_variable()) continue;
    const Reads r = reads[node];
    if (r.any && r.all) result.insert(node);
  }
  return result;
}

}  // namespace gemel::passes
