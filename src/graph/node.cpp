#include "graph/node.h"

#include "base/error.h"
#include "base/pointer_map.h"
#include "graph/symbol.h"

namespace gemel {

Parameters::~Parameters() = default;
Operator::~Operator() = default;

ParametersRef Operator::parse(const Attributes& attributes, const Subgraphs& subgraphs) const {
  GEMEL_CHECK(subgraphs.empty(), "[{}] takes no subgraphs, got {}", name(), subgraphs.size());
  return parse(attributes);
}

namespace {

// Takes the references that `node` holds out of it.
void release_into(Node& node, std::vector<NodeRef>& pending) {
  for (Entry& entry : node.inputs)
    if (entry.node) pending.push_back(std::move(entry.node));
  for (NodeRef& other : node.control)
    if (other) pending.push_back(std::move(other));
  node.inputs.clear();
  node.control.clear();
}

void check_input_count(const Operator& op, const std::string& name, size_t given,
                       const Parameters& parameters) {
  const size_t expected = op.input_names(parameters).size();
  GEMEL_CHECK(given == expected, "[{}] node {}: expected {} inputs, got {}", op.name(), name,
              expected, given);
}

void check_entries(const Operator& op, const std::string& name, const std::vector<Entry>& inputs) {
  for (size_t i = 0; i < inputs.size(); ++i)
    GEMEL_CHECK(inputs[i].node, "[{}] node {}: input {} is empty", op.name(), name, i);
}

}  // namespace

Node::~Node() {
  if (inputs.empty() && control.empty()) return;
  std::vector<NodeRef> pending;
  release_into(*this, pending);
  while (!pending.empty()) {
    NodeRef last = std::move(pending.back());
    pending.pop_back();
    // Only the sole owner may empty it; its destructor then finds nothing to do.
    if (last.use_count() == 1) release_into(*last, pending);
  }
}

NodeRef make_variable(std::string name, Attributes attributes) {
  auto node = std::make_shared<Node>();
  node->name = std::move(name);
  node->attributes = std::move(attributes);
  return node;
}

NodeRef make_node(const Operator& op, std::string name, std::vector<Entry> inputs,
                  Attributes attributes) {
  return make_node(op, std::move(name), std::move(inputs), std::move(attributes), {});
}

NodeRef make_node(const Operator& op, std::string name, std::vector<Entry> inputs,
                  Attributes attributes, Subgraphs subgraphs) {
  const std::string& count = op.variadic_parameter();
  if (!count.empty() && !attributes.contains(count))
    attributes[count] = std::to_string(inputs.size());
  ParametersRef parameters = op.parse(attributes, subgraphs);
  NodeRef node = make_node(op, std::move(name), std::move(inputs), std::move(parameters));
  node->attributes = std::move(attributes);
  node->subgraphs = std::move(subgraphs);
  return node;
}

NodeRef make_node(const Operator& op, std::string name, std::vector<Entry> inputs,
                  ParametersRef parameters) {
  check_entries(op, name, inputs);
  check_input_count(op, name, inputs.size(), *parameters);
  auto node = std::make_shared<Node>();
  node->op = &op;
  node->name = std::move(name);
  node->parameters = std::move(parameters);
  node->inputs = std::move(inputs);
  return node;
}

std::vector<Node*> topological_order(const std::vector<Entry>& heads) {
  struct Frame {
    Node* node;
    size_t next;
  };
  std::vector<Node*> order;
  PointerSet<Node> seen;
  std::vector<Frame> stack;
  for (const Entry& head : heads) {
    if (!head.node || !seen.insert(head.node.get())) continue;
    stack.push_back({head.node.get(), 0});
    while (!stack.empty()) {
      Frame& frame = stack.back();
      Node* node = frame.node;
      if (frame.next == node->inputs.size() + node->control.size()) {
        order.push_back(node);
        stack.pop_back();
        continue;
      }
      const size_t i = frame.next++;
      Node* child = i < node->inputs.size() ? node->inputs[i].node.get()
                                            : node->control[i - node->inputs.size()].get();
      if (seen.insert(child)) stack.push_back({child, 0});
    }
  }
  return order;
}

}  // namespace gemel
