// Which device the nodes of a graph run on, when groups of them (the attribute ctx_group) have one.
#pragma once
#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/export.h"
#include "device/device.h"
#include "graph/node.h"

namespace gemel {

using DeviceOfGroup = std::map<std::string, Device>;

struct PlacedGraph {
  std::vector<Entry> heads;
  std::unordered_map<const Node*, Device> devices;  // of the nodes of `heads`
};

// A node is on its group's device; one without a group where its first input that is an operator
// is, and variables (or operators on variables alone) on `otherwise`. Where an operator reads from
// another device, a _CrossDeviceCopy comes between; one copy serves all readers on a device. The
// variables stay the same nodes. A group without a device is Error(Input).
GEMEL_EXPORT PlacedGraph place_devices(const std::vector<Entry>& heads, const DeviceOfGroup& groups,
                                       Device otherwise);

}  // namespace gemel
