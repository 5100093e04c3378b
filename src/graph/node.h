// Nodes and entries: an operator call (or a variable) and one of its outputs.
// Nodes are shared and, once others refer to them, not changed.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "graph/operator.h"

namespace gemel {

struct Node;
using NodeRef = std::shared_ptr<Node>;

struct Entry {
  NodeRef node;
  int32_t index = 0;
  int32_t version =
      0;  // how many operators have mutated it (auxiliary states); part of the file form
  explicit operator bool() const { return node != nullptr; }
  bool operator==(const Entry&) const = default;
};

struct GEMEL_EXPORT Node : std::enable_shared_from_this<Node> {
  const Operator* op = nullptr;  // null: a variable
  std::string name;
  Attributes attributes;
  ParametersRef parameters;  // null for a variable
  std::vector<Entry> inputs;
  std::vector<NodeRef> control;  // nodes that must run before
  Subgraphs subgraphs;
  int32_t mutations = 0;  // of a variable: how many operators write it as auxiliary state

  Node() = default;
  virtual ~Node();  // iterative: a chain of 10^6 nodes does not overflow the stack
  bool is_variable() const { return op == nullptr; }
  int output_count() const { return op ? op->output_count(*parameters) : 1; }
  int visible_output_count() const { return op ? op->visible_output_count(*parameters) : 1; }
};

GEMEL_EXPORT NodeRef make_variable(std::string name, Attributes attributes = {});
// Parses `attributes`, checks the number of inputs. A missing count of variadic inputs ("num_args")
// is filled in. Throws Error(Input).
GEMEL_EXPORT NodeRef make_node(const Operator& op, std::string name, std::vector<Entry> inputs,
                               Attributes attributes = {});
// Of an operator that runs graphs of its own.
GEMEL_EXPORT NodeRef make_node(const Operator& op, std::string name, std::vector<Entry> inputs,
                               Attributes attributes, Subgraphs subgraphs);
// The same with parameters that need no parsing.
GEMEL_EXPORT NodeRef make_node(const Operator& op, std::string name, std::vector<Entry> inputs,
                               ParametersRef parameters);

// Every node that the entries depend on, each after all of its inputs and control dependencies
// (depth first, the order of MXNet's files). Iterative.
GEMEL_EXPORT std::vector<Node*> topological_order(const std::vector<Entry>& heads);

}  // namespace gemel

template <>
struct std::hash<gemel::Entry> {
  size_t operator()(const gemel::Entry& e) const {
    return std::hash<const void*>()(e.node.get()) * 31 + static_cast<size_t>(e.index);
  }
};
