#include "passes/reduce_precision.h"

#include <algorithm>

#include "op/registry.h"
#include "passes/with_inputs.h"

namespace gemel {
namespace {

// The type of an entry, as far as casts have settled it.
enum class Known : uint8_t { nothing, float32, target };

std::unordered_set<const Operator*> operators(const std::unordered_set<std::string>& names) {
  std::unordered_set<const Operator*> found;
  for (const std::string& name : names)
    if (const OpInfo* op = find_op(name)) found.insert(op);
  return found;
}

// Whether 1.9.1 has names for an operator's outputs: layers do, and a few others.
bool names_outputs(const OpInfo& op) {
  const std::string& name = op.name();
  constexpr std::string_view unnamed_layers[] = {"BlockGrad",
                                                 "CTCLoss",
                                                 "Cast",
                                                 "Embedding",
                                                 "Flatten",
                                                 "LinearRegressionOutput",
                                                 "LogisticRegressionOutput",
                                                 "MAERegressionOutput",
                                                 "Reshape"};
  constexpr std::string_view named_others[] = {"elemwise_add",
                                               "softmax",
                                               "softmin",
                                               "make_loss",
                                               "_rnn_param_concat",
                                               "_contrib_DeformableConvolution",
                                               "_contrib_MultiProposal",
                                               "_contrib_MultiBoxDetection",
                                               "_contrib_MultiBoxPrior",
                                               "_contrib_MultiBoxTarget",
                                               "_contrib_Proposal",
                                               "_contrib_fft",
                                               "_contrib_ifft"};
  const auto in = [&](const auto& list) {
    return std::find(std::begin(list), std::end(list), name) != std::end(list);
  };
  const bool layer = name[0] >= 'A' && name[0] <= 'Z';
  return layer ? !in(unnamed_layers) : in(named_others);
}

class Rewriter {
 public:
  Rewriter(const Symbol& symbol, const PrecisionLists& lists)
      : symbol_(symbol), lists_(lists), rules_(lists) {}

  Symbol run() {
    for (const Node* node : topological_order(symbol_.outputs))
      node->is_variable() ? add_variable(*node) : add_operator(*node);
    std::vector<Entry> heads;
    for (const Entry& head : symbol_.outputs) {
      const Entry entry = mapped(head);
      heads.push_back(known(entry) == Known::float32 ? entry : cast(entry, DType::float32));
    }
    for (const auto& [name, variable] : parameters_)
      variable->attributes["__dtype__"] = std::to_string(static_cast<int>(
          variables_in_target_.contains(variable.get()) ? lists_.target : DType::float32));
    return Symbol(std::move(heads));
  }

 private:
  Entry mapped(const Entry& entry) const {
    return {made_.at(entry.node.get()), entry.index, entry.version};
  }
  Known known(const Entry& entry) const {
    const auto found = known_.find({entry.node, entry.index, 0});
    return found == known_.end() ? Known::nothing : found->second;
  }
  void set_known(const NodeRef& node, Known value) {
    for (int i = 0; i < node->output_count(); ++i) known_[{node, i, 0}] = value;
  }

  void add_variable(const Node& node) {
    auto variable = std::make_shared<Node>(node);
    made_[&node] = variable;
    if (lists_.parameters.contains(node.name)) parameters_.emplace(node.name, variable);
  }

  void add_operator(const Node& node) {
    std::vector<Entry> inputs;
    for (const Entry& entry : node.inputs) inputs.push_back(mapped(entry));
    Known outputs = Known::nothing;
    const size_t states = static_cast<size_t>(node.op->auxiliary_count(*node.parameters));
    const std::span<Entry> read = std::span(inputs).first(inputs.size() - states);
    const Precision precision = rules_.of(node);
    if (precision == Precision::float32) {
      for (Entry& entry : read)
        if (!entry.node->is_variable() && known(entry) != Known::float32)
          entry = cast(entry, DType::float32);
      outputs = Known::float32;
    } else if (precision == Precision::target) {
      for (Entry& entry : read) to_target(entry);
      outputs = Known::target;
    } else if (precision == Precision::widest) {
      to_widest(read);
    }
    NodeRef made = passes::with_inputs(node, std::move(inputs),
                                       [this](const Entry& entry) { return mapped(entry); });
    made_[&node] = made;
    if (outputs == Known::nothing)
      infer(made);
    else
      set_known(made, outputs);
  }

  void to_target(Entry& entry) {
    if (known(entry) == Known::target) return;
    if (lists_.cast_parameters && entry.node->is_variable() &&
        parameters_.contains(entry.node->name)) {
      variables_in_target_.insert(entry.node.get());
      return;
    }
    entry = cast(entry, lists_.target);
  }

  void to_widest(std::span<Entry> inputs) {
    if (std::any_of(inputs.begin(), inputs.end(),
                    [&](const Entry& entry) { return known(entry) == Known::nothing; })) {
      multicast(inputs);
      return;
    }
    if (std::none_of(inputs.begin(), inputs.end(),
                     [&](const Entry& entry) { return known(entry) == Known::float32; }))
      return;
    for (Entry& entry : inputs)
      if (known(entry) != Known::float32) entry = cast(entry, DType::float32);
  }

  // The type that the first input's gives the outputs by itself.
  void infer(const NodeRef& node) {
    const Known first = node->inputs.empty() ? Known::nothing : known(node->inputs[0]);
    if (first == Known::nothing) return;
    const auto& op = static_cast<const OpInfo&>(*node->op);
    std::vector<DType> in(node->inputs.size(), DType::none);
    std::vector<DType> out(static_cast<size_t>(node->output_count()), DType::none);
    in[0] = first == Known::target ? lists_.target : DType::float32;
    TypeContext context{op, *node->parameters, in, out};
    if (op.type_rule)
      op.type_rule(context);
    else
      std::fill(out.begin(), out.end(), in[0]);
    for (int i = 0; i < node->output_count(); ++i) {
      const DType type = out[static_cast<size_t>(i)];
      known_[{node, i, 0}] = type == DType::float32  ? Known::float32
                             : type == lists_.target ? Known::target
                                                     : Known::nothing;
    }
  }

  // "fc_output", "split_output1", or "exp_0" where 1.9.1 has no names for the outputs.
  static std::string name_of_entry(const Entry& entry) {
    const Node& node = *entry.node;
    if (node.is_variable()) return node.name;
    const auto& op = static_cast<const OpInfo&>(*node.op);
    if (!names_outputs(op)) return fmt::format("{}_{}", node.name, entry.index);
    return node.name + "_" + op.output_names(*node.parameters)[static_cast<size_t>(entry.index)];
  }

  Entry cast(const Entry& entry, DType type) {
    auto& casts = casts_[{entry.node, entry.index, 0}];
    for (const auto& [to, made] : casts)
      if (to == type) return made;
    const std::string type_name(gemel::name_of(type));
    const NodeRef node =
        make_node(require_op("amp_cast"), name_of_entry(entry) + "_amp_cast_" + type_name, {entry},
                  Attributes{{"dtype", type_name}});
    set_known(node, type == DType::float32 ? Known::float32 : Known::target);
    casts.emplace_back(type, Entry{node, 0, 0});
    return casts.back().second;
  }

  void multicast(std::span<Entry> inputs) {
    if (inputs.size() < 2) return;
    const NodeRef node = make_node(
        require_op("amp_multicast"), name_of_entry(inputs[0]) + "_amp_multicast",
        {inputs.begin(), inputs.end()}, Attributes{{"num_outputs", std::to_string(inputs.size())}});
    for (size_t i = 0; i < inputs.size(); ++i) inputs[i] = {node, static_cast<int32_t>(i), 0};
  }

  const Symbol& symbol_;
  const PrecisionLists& lists_;
  const PrecisionRules rules_;
  std::unordered_map<const Node*, NodeRef> made_;
  std::unordered_map<Entry, Known> known_;
  std::unordered_map<Entry, std::vector<std::pair<DType, Entry>>> casts_;
  std::unordered_map<std::string, NodeRef> parameters_;
  std::unordered_set<const Node*> variables_in_target_;
};

}  // namespace

PrecisionRules::PrecisionRules(const PrecisionLists& lists)
    : target_ops_(operators(lists.target_ops)),
      float32_ops_(operators(lists.float32_ops)),
      widest_ops_(operators(lists.widest_ops)),
      excluded_(lists.excluded) {
  for (const auto& [name, where] : lists.float32_where)
    if (const OpInfo* op = find_op(name)) float32_where_.push_back({op, where.first, where.second});
}

Precision PrecisionRules::of(const Node& node) const {
  if (excluded_.contains(node.name) || float32_ops_.contains(node.op)) return Precision::float32;
  for (const Condition& condition : float32_where_) {
    if (condition.op != node.op) continue;
    const auto& op = static_cast<const OpInfo&>(*node.op);
    const Attributes values = op.spec.print(*node.parameters);
    const auto value = values.find(condition.parameter);
    GEMEL_CHECK(value != values.end(), "[amp] operator {} has no parameter '{}'", op.name(),
                condition.parameter);
    if (value->second == condition.value) return Precision::float32;
  }
  if (target_ops_.contains(node.op)) return Precision::target;
  return widest_ops_.contains(node.op) ? Precision::widest : Precision::as_given;
}

Symbol reduce_precision(const Symbol& symbol, const PrecisionLists& lists) {
  return Rewriter(symbol, lists).run();
}

}  // namespace gemel
