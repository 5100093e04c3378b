#include "passes/place_devices.h"

#include <gtest/gtest.h>

#include "graph/symbol.h"
#include "op/registry.h"

namespace gemel {
namespace {

Symbol call(const char* op, const char* name, const std::vector<Symbol>& inputs,
            const Attributes& attributes = {}) {
  return Symbol::create(require_op(op), name, attributes, inputs, {});
}

const Device one{DeviceKind::cpu, 1}, two{DeviceKind::cpu, 2};
const DeviceOfGroup groups{{"front", one}, {"back", two}};

const Attributes front{{"__ctx_group__", "front"}}, back{{"__ctx_group__", "back"}};

int count_copies(const std::vector<Entry>& heads) {
  int copies = 0;
  for (const Node* node : topological_order(heads))
    copies += node->op && node->op->name() == "_CrossDeviceCopy";
  return copies;
}

TEST(PlaceDevices, CopiesStandBetweenGroups) {
  const Symbol x = Symbol::variable("x", front);
  const Symbol a = call("tanh", "a", {x}, front);
  const Symbol b = call("sin", "b", {a}, back), c = call("cos", "c", {a}, back);
  const Symbol sum = call("elemwise_add", "sum", {b, c});  // no group: where b is
  const PlacedGraph placed = place_devices(sum.outputs, groups, Device{});
  EXPECT_EQ(placed.devices.at(placed.heads[0].node.get()), two);
  EXPECT_EQ(count_copies(placed.heads), 1);  // one for both readers
  EXPECT_EQ(placed.devices.at(x.outputs[0].node.get()), one);
  EXPECT_EQ(Symbol(placed.heads).input_nodes()[0], x.outputs[0].node);
  EXPECT_EQ(count_copies(sum.outputs), 0);  // the given graph stays as it was
}

TEST(PlaceDevices, OneDeviceChangesNothing) {
  const Symbol x = Symbol::variable("x");
  const Symbol a = call("tanh", "a", {x}, front);
  const PlacedGraph placed = place_devices(a.outputs, {{"front", Device{}}}, Device{});
  EXPECT_EQ(placed.heads, a.outputs);
}

TEST(PlaceDevices, VariablesWithoutAGroupAreOnTheOtherDevice) {
  const Symbol x = Symbol::variable("x");
  const Symbol a = call("tanh", "a", {x}, front);
  const PlacedGraph placed = place_devices(a.outputs, groups, Device{});
  EXPECT_EQ(placed.devices.at(x.outputs[0].node.get()), Device{});
  EXPECT_EQ(count_copies(placed.heads), 1);
}

TEST(PlaceDevices, StatesAreNotCopied) {
  const Symbol x = Symbol::variable("x");
  const Symbol norm = call("BatchNorm", "norm", {x}, front);
  Symbol plain = norm;
  for (const NodeRef& node : plain.input_nodes()) node->attributes.clear();
  const PlacedGraph placed = place_devices(norm.outputs, groups, Device{});
  EXPECT_EQ(count_copies(placed.heads), 3);  // data, gamma, beta
  EXPECT_EQ(Symbol(placed.heads).list_auxiliary_states(), norm.list_auxiliary_states());
}

TEST(PlaceDevices, NamesAGroupWithoutADevice) {
  const Symbol a = call("tanh", "a", {Symbol::variable("x")}, {{"__ctx_group__", "middle"}});
  try {
    place_devices(a.outputs, groups, Device{});
    FAIL();
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("node a is in the group 'middle'"), std::string::npos);
  }
}

}  // namespace
}  // namespace gemel
