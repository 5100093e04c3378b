#include "op/formula.h"

#include <unordered_map>

#include "op/gradient.h"

namespace gemel {
namespace {

// Copies the nodes between `variables` and `results`, with `values` in the variables' place.
class Substitution {
 public:
  Substitution(const std::vector<Entry>& variables, const std::vector<Entry>& values) {
    for (size_t i = 0; i < variables.size(); ++i)
      value_.emplace(variables[i].node.get(), values[i]);
  }

  Entry operator()(const Entry& result) {
    if (!result) return {};
    for (Node* node : topological_order({result})) {
      if (node->is_variable() || copy_.contains(node)) continue;
      std::vector<Entry> inputs;
      for (const Entry& input : node->inputs) inputs.push_back(replaced(input));
      copy_.emplace(node, make_node(*node->op, node->name, std::move(inputs), node->parameters));
    }
    return replaced(result);
  }

 private:
  Entry replaced(const Entry& entry) const {
    if (const auto found = value_.find(entry.node.get()); found != value_.end())
      return found->second;
    return {copy_.at(entry.node.get()), entry.index, 0};
  }

  std::unordered_map<const Node*, Entry> value_;
  std::unordered_map<const Node*, NodeRef> copy_;
};

std::vector<Entry> make_variables(size_t count) {
  std::vector<Entry> result;
  for (size_t i = 0; i < count; ++i) result.push_back({make_variable("x"), 0, 0});
  return result;
}

}  // namespace

Gradient gradient_of(Formula formula) {
  return [formula = std::move(formula)](const GradientContext& c) {
    // The formula is differentiated over variables: what the real inputs depend on, perhaps on
    // each other, must not be seen.
    std::vector<Entry> variables = make_variables(c.node.inputs.size());
    const std::vector<Entry> outputs = formula(c, variables);
    const std::vector<Entry> in = variables;
    std::vector<Entry> heads, head_variables, values = c.node.inputs;
    for (size_t i = 0; i < outputs.size() && i < c.head.size(); ++i) {
      if (!outputs[i] || !c.head[i]) continue;
      heads.push_back(outputs[i]);
      head_variables.push_back({make_variable("dy"), 0, 0});
      variables.push_back(head_variables.back());
      values.push_back(c.head[i]);
    }
    std::vector<Entry> result(in.size());
    if (heads.empty()) return result;
    const std::vector<Entry> gradients = gradient(heads, head_variables, in);
    Substitution substitute(variables, values);
    for (size_t i = 0; i < in.size(); ++i) result[i] = substitute(gradients[i]);
    return result;
  };
}

Formula differentiated(Formula formula, int heads, int inputs) {
  return [formula = std::move(formula), heads, inputs](const GradientContext& c,
                                                       const std::vector<Entry>& in) {
    const std::vector<Entry> given(in.begin(), in.begin() + heads),
        variables(in.begin() + heads, in.begin() + heads + inputs);
    std::vector<Entry> outputs = formula(c, variables);
    outputs.resize(static_cast<size_t>(heads));
    return gradient(outputs, given, variables);
  };
}

}  // namespace gemel
