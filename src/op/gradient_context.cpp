#include "op/op_info.h"
#include "op/registry.h"

namespace gemel {
namespace {

// "fc1_backward" for the node's own backward operator, "fc1_backward_dot" for others.
std::string backward_name(const Node& node, std::string_view op_name) {
  std::string name = node.name + "_backward";
  if (!op_name.starts_with("_backward")) {
    if (!op_name.starts_with('_')) name += "_";
    name += op_name;
  }
  return name;
}

}  // namespace

Entry GradientContext::dy(int i) const {
  const Entry& given = head[static_cast<size_t>(i)];
  return given ? given : make("zeros_like", {out(i)});
}

Entry GradientContext::make(std::string_view op_name, std::vector<Entry> inputs,
                            const Attributes& attributes) const {
  return {
      make_node(require_op(op_name), backward_name(node, op_name), std::move(inputs), attributes),
      0, 0};
}

std::vector<Entry> GradientContext::make_all(std::string_view op_name, std::vector<Entry> inputs,
                                             const Attributes& attributes) const {
  const NodeRef made = make(op_name, std::move(inputs), attributes).node;
  std::vector<Entry> outputs;
  for (int i = 0; i < made->output_count(); ++i) outputs.push_back({made, i, 0});
  return outputs;
}

Entry GradientContext::make(std::string_view op_name, std::vector<Entry> inputs,
                            ParametersRef parameters, int index) const {
  return {make_node(require_op(op_name), backward_name(node, op_name), std::move(inputs),
                    std::move(parameters)),
          index, 0};
}

}  // namespace gemel
