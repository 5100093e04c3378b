// Automatic mixed precision: the pass over graphs, and the casts that calls get once it is on.
#include "runtime/mixed_precision.h"

#include "common.h"
#include "passes/reduce_precision.h"

namespace gemel::python {
namespace {

using Names = std::vector<std::string>;
using Conditions = std::vector<std::tuple<std::string, std::string, std::string>>;

PrecisionLists lists_of(nb::handle target, const Names& target_ops, const Names& float32_ops,
                        const Names& widest_ops, const Conditions& conditions) {
  PrecisionLists lists;
  lists.target = dtype_of(target);
  lists.target_ops = {target_ops.begin(), target_ops.end()};
  lists.float32_ops = {float32_ops.begin(), float32_ops.end()};
  lists.widest_ops = {widest_ops.begin(), widest_ops.end()};
  for (const auto& [op, parameter, value] : conditions)
    lists.float32_where.push_back({op, {parameter, value}});
  return lists;
}

std::unordered_set<const OpInfo*> operators(const Names& names) {
  std::unordered_set<const OpInfo*> found;
  for (const std::string& name : names)
    if (const OpInfo* op = find_op(name)) found.insert(op);
  return found;
}

struct SymbolCasts {
  DType target;
  PrecisionRules rules;
};
SymbolCasts* symbol_casts = nullptr;  // made once, or again; used while the GIL is held

// The name that the name manager gives.
std::string next_name(const char* hint) {
  const nb::object f = nb::module_::import_("gemel.symbol").attr("_name_and_attributes");
  return nb::cast<std::string>(f(nb::none(), hint, nb::none())[0]);
}

}  // namespace

void cast_inputs(const Symbol& made) {
  if (!symbol_casts || made.outputs.empty()) return;
  Node& node = *made.outputs[0].node;
  if (node.is_variable()) return;
  const size_t states = static_cast<size_t>(node.op->auxiliary_count(*node.parameters));
  const std::span<Entry> inputs = std::span(node.inputs).first(node.inputs.size() - states);
  switch (symbol_casts->rules.of(node)) {
    case Precision::as_given:
      return;
    case Precision::widest: {
      if (inputs.size() < 2) return;
      const NodeRef cast = make_node(require_op("amp_multicast"), next_name("amp_multicast"),
                                     {inputs.begin(), inputs.end()},
                                     Attributes{{"num_outputs", std::to_string(inputs.size())}});
      for (size_t i = 0; i < inputs.size(); ++i) inputs[i] = {cast, static_cast<int32_t>(i), 0};
      return;
    }
    case Precision::target:
    case Precision::float32: {
      const bool target = symbol_casts->rules.of(node) == Precision::target;
      const std::string dtype(name_of(target ? symbol_casts->target : DType::float32));
      for (Entry& input : inputs)
        input = {make_node(require_op("amp_cast"), next_name("amp_cast"), {input},
                           Attributes{{"dtype", dtype}}),
                 0, 0};
    }
  }
}

void bind_mixed_precision(nb::module_& m) {
  m.def("set_mixed_precision",
        [](nb::handle target, const Names& target_ops, const Names& float32_ops,
           const Names& widest_ops, const Conditions& conditions, const Names& loss_ops) {
          const auto lists = lists_of(target, target_ops, float32_ops, widest_ops, conditions);
          delete symbol_casts;
          symbol_casts = new SymbolCasts{lists.target, PrecisionRules(lists)};
          runtime::set_call_casts(
              {lists.target, operators(target_ops), operators(widest_ops), operators(loss_ops)});
        });
  m.def("set_loss_scale", &runtime::set_loss_scale);
  m.def("reduce_precision",
        [](const Symbol& symbol, nb::handle target, const Names& target_ops,
           const Names& float32_ops, const Names& widest_ops, const Conditions& conditions,
           const Names& excluded, const Names& parameters, bool cast_parameters) {
          PrecisionLists lists = lists_of(target, target_ops, float32_ops, widest_ops, conditions);
          lists.excluded = {excluded.begin(), excluded.end()};
          lists.parameters = {parameters.begin(), parameters.end()};
          lists.cast_parameters = cast_parameters;
          return reduce_precision(symbol, lists);
        });
}

}  // namespace gemel::python
