#include "passes/place_devices.h"

#include "op/registry.h"
#include "passes/with_inputs.h"

namespace gemel {
namespace {

Device device_of(const Node& node, const DeviceOfGroup& groups,
                 const std::unordered_map<const Node*, Device>& devices, Device otherwise) {
  for (const auto& [key, group] : node.attributes) {
    if (key != "__ctx_group__") continue;
    const auto found = groups.find(group);
    GEMEL_CHECK(found != groups.end(),
                "[bind] node {} is in the group '{}', which has no device; name it in group2ctx",
                node.name, group);
    return found->second;
  }
  for (const Entry& input : node.inputs)
    if (!input.node->is_variable()) return devices.at(input.node.get());
  return otherwise;
}

}  // namespace

PlacedGraph place_devices(const std::vector<Entry>& heads, const DeviceOfGroup& groups,
                          Device otherwise) {
  std::unordered_map<const Node*, Device> devices;  // of the original nodes
  std::unordered_map<const Node*, NodeRef> replaced;
  std::map<std::pair<const Node*, int>, std::map<std::string, Entry>> copies;
  PlacedGraph result;
  const auto map = [&](const Entry& entry) {
    const auto found = replaced.find(entry.node.get());
    return found == replaced.end() ? entry : Entry{found->second, entry.index, entry.version};
  };
  const OpInfo& copy = require_op("_CrossDeviceCopy");
  for (Node* node : topological_order(heads)) {
    const Device device = devices[node] = device_of(*node, groups, devices, otherwise);
    const NodeRef original = node->shared_from_this();
    if (node->is_variable()) {
      result.devices[node] = device;
      continue;
    }
    // What an operator writes (auxiliary states, say) it must reach itself.
    const auto& op = static_cast<const OpInfo&>(*node->op);
    const std::vector<int> written = op.mutated_inputs(*node->parameters);
    const int states = op.auxiliary_count(*node->parameters);
    const int first_state = static_cast<int>(node->inputs.size()) - states;
    std::vector<Entry> inputs;
    bool changed = false;
    for (size_t i = 0; i < node->inputs.size(); ++i) {
      const Entry& input = node->inputs[i];
      inputs.push_back(map(input));
      const bool is_written = static_cast<int>(i) >= first_state ||
                              std::find(written.begin(), written.end(), i) != written.end();
      if (devices.at(input.node.get()) != device && !is_written) {
        Entry& moved = copies[{input.node.get(), input.index}][to_string(device)];
        if (!moved)
          moved = {make_node(copy, input.node->name + "_to_" + to_string(device), {inputs.back()},
                             Attributes{}),
                   0, 0};
        result.devices[moved.node.get()] = device;
        inputs.back() = moved;
      }
      changed = changed || inputs.back().node != input.node;
    }
    NodeRef self = original;
    if (changed) {
      self = passes::with_inputs(*node, std::move(inputs), map);
      replaced[node] = self;
    }
    result.devices[self.get()] = device;
  }
  for (const Entry& head : heads) result.heads.push_back(map(head));
  return result;
}

}  // namespace gemel
