// How passes rebuild a node whose inputs changed.
#pragma once
#include <utility>
#include <vector>

#include "graph/node.h"

namespace gemel::passes {

// The same node over `inputs`; what it waits for is what `map` gives for the old ones.
template <typename Map>
NodeRef with_inputs(const Node& node, std::vector<Entry> inputs, Map&& map) {
  auto result = std::make_shared<Node>();
  result->op = node.op;
  result->name = node.name;
  result->attributes = node.attributes;
  result->parameters = node.parameters;
  result->inputs = std::move(inputs);
  for (const NodeRef& other : node.control) result->control.push_back(map(Entry{other}).node);
  result->subgraphs = node.subgraphs;
  return result;
}

// Whether `map` gives another node for one that the node waits for.
template <typename Map>
bool waits_for_changed(const Node& node, Map&& map) {
  for (const NodeRef& other : node.control)
    if (map(Entry{other}).node != other) return true;
  return false;
}

}  // namespace gemel::passes
