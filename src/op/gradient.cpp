#include "op/gradient.h"

#include <unordered_map>
#include <unordered_set>

#include "base/pointer_map.h"
#include "graph/node_error.h"
#include "op/op_info.h"
#include "op/registry.h"

namespace gemel {
namespace {

// Gradients that flow into the outputs of one node, before they are added up.
using Parts = std::vector<std::vector<Entry>>;

const OpInfo& info_of(const Node& node) { return static_cast<const OpInfo&>(*node.op); }

class Differentiation {
 public:
  Differentiation(const std::vector<Entry>& heads, const std::vector<Entry>& variables,
                  std::vector<NodeGradient>* by_node)
      : order_(topological_order(with_all(heads, variables))), by_node_(by_node) {
    for (const Entry& entry : variables) wanted_.insert(key(entry));
    mark_dependents();
  }

  void seed(const Entry& head, const Entry& gradient) {
    if (!depends(head)) return;
    const bool loss = head.node->op && info_of(*head.node).ignores_head_gradient;
    if (loss) visited_.insert(head.node.get());
    if (gradient) {
      add(head, gradient);
    } else if (!loss) {
      add(head, {make_node(require_op("ones_like"), head.node->name + "_head_gradient", {head},
                           Attributes{}),
                 0, 0});
    }
  }

  void run() {
    for (size_t i = order_.size(); i-- > 0;) {
      Node& node = *order_[i];
      if (visited_.contains(&node)) differentiate(node);
    }
  }

  Entry result(const Entry& variable) {
    Entry& cached = total_[key(variable)];
    if (!cached) cached = sum(variable);
    if (!cached)
      cached = {make_node(require_op("zeros_like"), variable.node->name + "_zero_gradient",
                          {variable}, Attributes{}),
                0, 0};
    return cached;
  }

 private:
  // An entry without its version: a state read before and after an update is one value here.
  static Entry key(const Entry& entry) { return {entry.node, entry.index, 0}; }

  static std::vector<Entry> with_all(std::vector<Entry> heads,
                                     const std::vector<Entry>& variables) {
    heads.insert(heads.end(), variables.begin(), variables.end());
    return heads;
  }

  // Nodes through which a variable influences something: derivatives are needed there.
  void mark_dependents() {
    for (const Node* node : order_) {
      bool depends = false;
      if (node->op && !info_of(*node).zero_gradient)
        for (const Entry& input : node->inputs)
          depends =
              depends || dependent_.contains(input.node.get()) || wanted_.contains(key(input));
      if (depends) dependent_.insert(node);
    }
  }

  bool depends(const Entry& entry) const {
    return wanted_.contains(key(entry)) || dependent_.contains(entry.node.get());
  }

  void add(const Entry& entry, const Entry& gradient) {
    Parts& parts = parts_[entry.node.get()];
    if (parts.empty()) parts.resize(static_cast<size_t>(entry.node->output_count()));
    parts[static_cast<size_t>(entry.index)].push_back(gradient);
    visited_.insert(entry.node.get());
  }

  // The sum of what flows into an output; empty when nothing does.
  Entry sum(const Entry& entry) {
    Parts* const found = parts_.find(entry.node.get());
    if (!found) return {};
    std::vector<Entry>& parts = (*found)[static_cast<size_t>(entry.index)];
    if (parts.empty()) return {};
    if (parts.size() > 1) {
      const OpInfo& op = require_op(parts.size() == 2 ? "elemwise_add" : "add_n");
      const std::string name = entry.node->name + "_gradient_sum";
      parts = {Entry{make_node(op, name, std::move(parts), Attributes{}), 0, 0}};
    }
    return parts[0];
  }

  void differentiate(Node& node) {
    if (node.is_variable() || !dependent_.contains(&node)) return;
    const OpInfo& op = info_of(node);
    GEMEL_CHECK(op.gradient_rule || !op.name().starts_with("_backward_"),
                "[{}] node {}: the gradient of this operator cannot be differentiated again",
                op.name().substr(std::min(op.name().size(), sizeof("_backward_") - 1)), node.name);
    GEMEL_CHECK(
        op.gradient_rule,
        "[{}] node {} has no gradient; stop it there with BlockGrad, or ask for no gradient "
        "of what leads to it",
        op.name(), node.name);
    const NodeRef self = node.shared_from_this();
    std::vector<Entry> head;
    for (int i = 0; i < node.output_count(); ++i) head.push_back(sum({self, i, 0}));
    std::vector<Entry> inputs;
    try {
      inputs = op.gradient_rule(GradientContext{node, self, std::move(head)});
    } catch (const Error& error) {
      rethrow_with_node(error, op.name(), node.name);
    }
    if (inputs.size() > node.inputs.size())
      fail(ErrorKind::Internal, "[{}] the gradient rule gave {} gradients for {} inputs", op.name(),
           inputs.size(), node.inputs.size());
    for (size_t i = 0; i < inputs.size(); ++i)
      if (inputs[i] && depends(node.inputs[i])) add(node.inputs[i], inputs[i]);
    if (by_node_) by_node_->push_back({self, std::move(inputs)});
  }

  std::vector<Node*> order_;
  std::vector<NodeGradient>* by_node_;
  std::unordered_set<Entry> wanted_;
  PointerSet<Node> dependent_;
  PointerSet<Node> visited_;  // something flows into them
  PointerMap<Node, Parts> parts_;
  std::unordered_map<Entry, Entry> total_;
};

}  // namespace

std::vector<Entry> gradient(const std::vector<Entry>& heads,
                            const std::vector<Entry>& head_gradients,
                            const std::vector<Entry>& variables,
                            std::vector<NodeGradient>* by_node) {
  GEMEL_CHECK(head_gradients.empty() || head_gradients.size() == heads.size(),
              "[gradient] expected one head gradient for each of the {} heads, got {}",
              heads.size(), head_gradients.size());
  Differentiation differentiation(heads, variables, by_node);
  for (size_t i = 0; i < heads.size(); ++i)
    differentiation.seed(heads[i], head_gradients.empty() ? Entry{} : head_gradients[i]);
  differentiation.run();
  std::vector<Entry> results;
  for (const Entry& variable : variables) results.push_back(differentiation.result(variable));
  return results;
}

std::vector<Entry> gradient_by_expression(
    const GradientContext& context, int count,
    const std::function<std::vector<Entry>(const std::vector<Entry>& in)>& build) {
  // Stand-ins keep the differentiation inside of the expression: what the inputs were computed from
  // is not its business.
  std::unordered_map<const Node*, Entry> meant;
  const auto stand_in = [&](const Entry& entry) {
    const Entry variable{make_variable(entry.node->name), 0, 0};
    meant[variable.node.get()] = entry;
    return variable;
  };
  std::vector<Entry> inputs;
  for (const Entry& input : context.node.inputs) inputs.push_back(stand_in(input));
  const std::vector<Entry> outputs = build(inputs);
  std::vector<Entry> heads, head_gradients;
  for (size_t i = 0; i < outputs.size(); ++i)
    if (context.head[i] && outputs[i]) {
      heads.push_back(outputs[i]);
      head_gradients.push_back(stand_in(context.head[i]));
    }
  // Unused stand-ins stay alive, too: `meant` knows nodes by their addresses.
  const std::vector<Entry> variables(inputs.begin(), inputs.begin() + count);
  std::vector<Entry> results = gradient(heads, head_gradients, variables);
  const auto replace = [&](Entry& entry) {
    if (const auto found = meant.find(entry.node.get()); found != meant.end())
      entry = found->second;
  };
  // All these nodes were made here, so their links may be changed in place.
  for (Node* node : topological_order(results))
    for (Entry& input : node->inputs) replace(input);
  for (Entry& result : results) replace(result);
  return results;
}

}  // namespace gemel
