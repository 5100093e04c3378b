#include "runtime/backward_graph.h"

#include <tuple>
#include <unordered_map>
#include <unordered_set>

#include "base/settings.h"
#include "op/op_info.h"
#include "passes/infer_shape.h"
#include "passes/infer_type.h"
#include "passes/training_form.h"

namespace gemel::runtime {
namespace {

// Bytes of every value under `heads`; 0 of what `known` does not tell.
std::unordered_map<Entry, int64_t> bytes_of_values(const std::vector<Entry>& heads,
                                                   const KnownInputs& known) {
  const IndexedGraph graph(heads);
  std::vector<Shape> shapes(graph.entry_count(), Shape::unknown());
  std::vector<DType> dtypes(graph.entry_count(), DType::none);
  for (const int n : graph.variables())
    if (const auto found = known.find(graph.node(n)); found != known.end())
      std::tie(shapes[graph.first_entry(n)], dtypes[graph.first_entry(n)]) = found->second;
  infer_shapes(graph, shapes, true);
  infer_types(graph, dtypes);
  std::unordered_map<Entry, int64_t> bytes;
  for (int e = 0; e < graph.entry_count(); ++e)
    if (shapes[e].known())
      bytes[Entry{graph.node_of_entry(e)->shared_from_this(), graph.output_index(e), 0}] =
          shapes[e].size() * size_of(dtypes[e] == DType::none ? DType::float32 : dtypes[e]);
  return bytes;
}

void choose_what_to_keep(BackwardGraph& graph, const KnownInputs& known) {
  const auto bytes = bytes_of_values(graph.outputs, known);
  std::unordered_set<Entry> outputs;
  for (const Entry& output : graph.outputs) outputs.insert({output.node, output.index, 0});
  recompute_cheap(graph.saved, graph.gradients,
                  {.bytes =
                       [&](const Entry& entry) {
                         const auto found = bytes.find({entry.node, entry.index, 0});
                         return found == bytes.end() ? 0 : found->second;
                       },
                   .kept_anyway =
                       [&](const Entry& entry) {
                         return outputs.contains({entry.node, entry.index, 0});
                       }});
}

}  // namespace

BackwardGraph make_backward_graph(const Symbol& symbol, const std::vector<NodeRef>& variables,
                                  const BackwardOptions& options) {
  BackwardGraph result;
  const std::string_view recompute =
      options.recompute.empty() ? settings::current().recompute : options.recompute;
  const bool changes = !options.known.empty() && !options.by_node && recompute != "off";
  result.outputs = changes ? training_form(symbol.outputs) : symbol.outputs;
  std::vector<Entry> heads, head_gradients, with_respect_to;
  for (size_t i = 0; i < result.outputs.size(); ++i) {
    const Entry& output = result.outputs[i];
    const auto* info = static_cast<const OpInfo*>(output.node->op);
    NodeRef placeholder;
    if (!info || !info->ignores_head_gradient)
      placeholder = make_variable(fmt::format("_head_gradient{}", i));
    result.head_gradients.push_back(placeholder);
    heads.push_back(output);
    head_gradients.push_back(Entry{placeholder, 0, 0});
  }
  for (const NodeRef& variable : variables) with_respect_to.push_back(Entry{variable, 0, 0});
  result.gradients =
      gradient(heads, head_gradients, with_respect_to, options.by_node ? &result.by_node : nullptr);

  std::unordered_set<const Node*> forward;
  for (const Node* node : topological_order(result.outputs)) forward.insert(node);
  std::unordered_map<Entry, NodeRef> placeholders;
  auto replace = [&](Entry& entry) {
    if (!entry || entry.node->is_variable() || !forward.contains(entry.node.get())) return;
    Entry key{entry.node, entry.index, 0};
    auto [found, fresh] = placeholders.try_emplace(key);
    if (fresh) {
      found->second = make_variable(entry.node->name + "_saved" + std::to_string(entry.index));
      result.saved.push_back({key, found->second});
    }
    entry = Entry{found->second, 0, 0};
  };
  // The gradient pass made these nodes for us alone, so their links may be changed in place.
  std::unordered_set<const Node*> backward;
  for (Node* node : topological_order(result.gradients)) {
    backward.insert(node);
    if (!forward.contains(node))
      for (Entry& input : node->inputs) replace(input);
  }
  for (Entry& entry : result.gradients) replace(entry);
  for (NodeGradient& node : result.by_node)
    for (Entry& entry : node.inputs)
      if (entry && !backward.contains(entry.node.get()))
        entry = {};
      else
        replace(entry);
  if (changes) choose_what_to_keep(result, options.known);
  return result;
}

}  // namespace gemel::runtime
