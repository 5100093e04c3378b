#include "runtime/monitor.h"

#include <unordered_map>
#include <unordered_set>

#include "op/op_info.h"

namespace gemel::runtime {
namespace {

// Values by entry, whatever its version.
class Values {
 public:
  explicit Values(const Executor& executor) : watched_(executor.monitored()) {
    const Bindings& bindings = executor.bindings();
    const auto nodes = executor.symbol().input_nodes();
    const auto is_auxiliary = executor.symbol().input_is_auxiliary();
    size_t argument = 0, state = 0;
    for (size_t i = 0; i < nodes.size(); ++i)
      values_[Entry{nodes[i], 0, 0}] =
          is_auxiliary[i] ? bindings.auxiliary_states[state++] : bindings.arguments[argument++];
    for (const auto& [entry, value] : watched_) values_[Entry{entry.node, entry.index, 0}] = value;
  }

  const std::vector<std::pair<Entry, NDArray>>& watched() const { return watched_; }
  const NDArray* find(const Entry& entry) const {
    const auto found = values_.find(Entry{entry.node, entry.index, 0});
    return found == values_.end() ? nullptr : &found->second;
  }

 private:
  std::vector<std::pair<Entry, NDArray>> watched_;
  std::unordered_map<Entry, NDArray> values_;
};

}  // namespace

std::vector<std::pair<std::string, NDArray>> monitored_values(const Executor& executor,
                                                              bool inputs_too) {
  const Values values(executor);
  std::vector<std::pair<std::string, NDArray>> rows;
  const auto add = [&](const std::string& name, const Entry& entry) {
    if (const NDArray* value = values.find(entry)) rows.emplace_back(name, *value);
  };
  std::unordered_set<const Node*> reported;
  for (const auto& [entry, value] : values.watched()) {
    const Node& node = *entry.node;
    if (inputs_too && reported.insert(&node).second) {
      const auto inputs = node.op->input_names(*node.parameters);
      const bool unnamed = static_cast<const OpInfo*>(node.op)->pointwise != nullptr;
      for (size_t k = 0; k < node.inputs.size(); ++k) {
        const Entry& input = node.inputs[k];
        if (input.node->is_variable() && reported.insert(input.node.get()).second)
          add(input.node->name, input);
        add(node.name + "_" + (unnamed ? "input" + std::to_string(k) : inputs[k]), input);
      }
    }
    add(Symbol({entry}).list_outputs()[0], entry);
  }
  return rows;
}

}  // namespace gemel::runtime
