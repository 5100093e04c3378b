#include "passes/training_form.h"

#include <unordered_map>

#include "op/op_info.h"
#include "passes/with_inputs.h"

namespace gemel {

std::vector<Entry> training_form(const std::vector<Entry>& heads) {
  const std::vector<Node*> order = topological_order(heads);
  std::unordered_map<Entry, int> readers;
  std::unordered_map<const Node*, std::vector<Entry>> forms;  // visible outputs of changed nodes
  const auto form_of = [&](const Entry& entry) {
    const auto found = forms.find(entry.node.get());
    if (found == forms.end()) return entry;
    return static_cast<size_t>(entry.index) < found->second.size()
               ? found->second[static_cast<size_t>(entry.index)]
               : Entry{found->second[0].node, entry.index, entry.version};
  };
  const std::function<int(const Entry&)> count = [&](const Entry& entry) {
    const auto found = readers.find(entry);
    return found == readers.end() ? 0 : found->second;
  };
  const auto count_readers = [&](const std::vector<Entry>& entries) {
    for (const Entry& entry : entries) ++readers[entry];
  };
  count_readers(heads);
  for (const Node* node : order) count_readers(node->inputs);
  for (Node* node : order) {
    if (node->is_variable()) continue;
    bool changed = false;
    std::vector<Entry> inputs;
    for (const Entry& input : node->inputs) {
      inputs.push_back(form_of(input));
      changed = changed || !(inputs.back() == input);
    }
    NodeRef self = node->shared_from_this();
    if (changed) {
      for (size_t i = 0; i < inputs.size(); ++i) readers[inputs[i]] = count(node->inputs[i]);
      self = passes::with_inputs(*node, std::move(inputs), form_of);
    }
    std::vector<Entry> form;
    if (const auto& info = static_cast<const OpInfo&>(*node->op); info.training_form)
      form = info.training_form(TrainingContext{{*self, self, {}}, count});
    if (form.empty() && changed) form = {Entry{self, 0, 0}};
    if (!form.empty()) {
      // A rule gives the visible outputs; a node that only has new inputs keeps all of its own.
      if (form[0].node == self)
        for (int i = 1; i < self->output_count(); ++i) form.push_back({self, i, 0});
      forms.emplace(node, std::move(form));
    }
  }
  std::vector<Entry> result;
  for (const Entry& head : heads) result.push_back(form_of(head));
  return result;
}

}  // namespace gemel
