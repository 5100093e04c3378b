#include "runtime/backward_graph.h"

#include <unordered_map>
#include <unordered_set>

#include "base/byte_count.h"
#include "base/pointer_map.h"
#include "base/settings.h"
#include "op/registry.h"
#include "passes/recompute_budget.h"
#include "passes/training_form.h"

namespace gemel::runtime {
namespace {

// What 1.9.1 promises of mirroring: some 95 % of the speed. A forward pass is a third of a step.
constexpr double mirrored_work = 0.15;

// Shape and dtype of every value under `heads` that follow from `known`.
std::unordered_map<Entry, std::pair<Shape, DType>> types_of_values(const std::vector<Entry>& heads,
                                                                   const KnownInputs& known) {
  const IndexedGraph graph(heads);
  TypedEntries typed(graph, known);
  typed.infer(graph);
  std::unordered_map<Entry, std::pair<Shape, DType>> types;
  for (int e = 0; e < graph.entry_count(); ++e)
    if (typed.at(e).first.known())
      types[Entry{graph.node_of_entry(e)->shared_from_this(), graph.output_index(e), 0}] =
          typed.at(e);
  return types;
}

// Saved values of which a reader wants only the shape need not be saved for it: it reads zeros that
// no plan ever computes.
void keep_no_value_for_its_shape(BackwardGraph& graph,
                                 const std::unordered_map<Entry, std::pair<Shape, DType>>& types) {
  std::unordered_map<const Node*, NodeRef> like;  // by placeholder
  for (const SavedValue& saved : graph.saved) {
    const auto found = types.find(saved.value);
    if (found == types.end()) continue;
    const auto& [shape, dtype] = found->second;
    like.emplace(
        saved.placeholder.get(),
        make_node(require_op("_zeros"), saved.placeholder->name + "_shape", {},
                  {{"shape", print_value(shape)}, {"dtype", std::string(name_of(dtype))}}));
  }
  PointerSet<Node> read;
  for (Node* node : topological_order(graph.gradients)) {
    if (node->is_variable()) continue;
    const auto& info = static_cast<const OpInfo&>(*node->op);
    for (size_t i = 0; i < node->inputs.size(); ++i) {
      Entry& input = node->inputs[i];
      const auto found = like.find(input.node.get());
      if (found != like.end() && info.reads_only_shape(static_cast<int>(i)))
        input = {found->second, 0, 0};
      else
        read.insert(input.node.get());
    }
  }
  for (const Entry& gradient : graph.gradients) read.insert(gradient.node.get());
  std::erase_if(graph.saved,
                [&](const SavedValue& saved) { return !read.contains(saved.placeholder.get()); });
}

std::string_view mode_of(const BackwardOptions& options) {
  return options.recompute.empty() ? settings::current().recompute : options.recompute;
}

// What a user marked to be computed again, as 1.9.1 reads it.
bool is_marked(const Node& node) {
  const auto found = node.attributes.find("__force_mirroring__");
  return found != node.attributes.end() &&
         (found->second == "True" || found->second == "true" || found->second == "1");
}

// The last node before each that runs again which the order of the backward pass gives: it runs
// first, so that nothing is computed again before it is wanted.
std::unordered_map<const Node*, NodeRef> order_of(const TrainingModel& model,
                                                  const std::vector<std::pair<int, int>>& again) {
  std::unordered_map<const Node*, NodeRef> after;
  const auto one_pass = [](const Node& node) {
    const auto& info = static_cast<const OpInfo&>(*node.op);
    return info.pointwise || info.recompute_rule || !info.aliases_input.empty();
  };
  for (const auto& [forward, backward] : again) {
    const Node* node = model.forward().node(forward);
    if (one_pass(*node)) continue;
    int before = backward - 1;
    const auto fixes_order = [&](int n) {
      const Node& other = *model.backward().node(n);
      return !other.is_variable() && !one_pass(other);
    };
    while (before >= 0 && !fixes_order(before)) --before;
    if (before >= 0) after.emplace(node, model.backward().node(before)->shared_from_this());
  }
  return after;
}

void choose_what_to_keep(BackwardGraph& graph, const BackwardOptions& options) {
  const auto types = types_of_values(graph.outputs, options.known);
  keep_no_value_for_its_shape(graph, types);
  std::unordered_set<Entry> outputs;
  for (const Entry& output : graph.outputs) outputs.insert({output.node, output.index, 0});
  RecomputeRules rules;
  const std::string_view mode = mode_of(options);
  KeptValues keep;
  if (mode == "off")
    for (const SavedValue& saved : graph.saved) keep.insert(saved.value);
  else
    keep = keep_beside_cheap(graph.saved,
                             {.bytes =
                                  [&](const Entry& entry) {
                                    const auto found = types.find({entry.node, entry.index, 0});
                                    return found == types.end() ? 0
                                                                : found->second.first.size() *
                                                                      size_of(found->second.second);
                                  },
                              .kept_anyway =
                                  [&](const Entry& entry) {
                                    return outputs.contains({entry.node, entry.index, 0});
                                  }},
                             rules);
  Recomputation how;
  std::unordered_set<Entry> marked;
  for (const Entry& entry : keep)
    if (is_marked(*entry.node) && !outputs.contains(entry) && rules.any(entry))
      marked.insert(entry);
  for (const Entry& entry : marked) keep.erase(entry);
  const bool limited = options.budget >= 0 || mode == "mirror";
  if (limited || !marked.empty()) {
    const TrainingModel model(graph.outputs, graph.saved, graph.gradients, graph.head_gradients,
                              options.known, rules);
    std::vector<char> kept(static_cast<size_t>(model.forward().entry_count()), 0);
    for (const Entry& entry : keep) kept[static_cast<size_t>(model.forward().entry_id(entry))] = 1;
    for (const Entry& entry : outputs)
      kept[static_cast<size_t>(model.forward().entry_id(entry))] = 1;
    const double usual_work = model.evaluate(kept).work;
    if (limited)
      kept = keep_within(model, kept,
                         options.budget >= 0 ? RecomputeBudget{options.budget}
                                             : RecomputeBudget{0, mirrored_work});
    keep.clear();
    for (int v = 0; v < model.forward().entry_count(); ++v)
      if (kept[static_cast<size_t>(v)])
        keep.insert({model.forward().node_of_entry(v)->shared_from_this(),
                     model.forward().output_index(v), 0});
    const TrainingModel::Outcome outcome = model.evaluate(kept);
    graph.expected_bytes = outcome.bytes;
    graph.repeated_work =
        std::max(0.0, outcome.work - usual_work) / std::max(model.forward_work(), 1.0);
    how.after = order_of(model, outcome.again);
    how.rule = [&](const Entry& entry) { return rules.any(entry); };
  } else {
    how.rule = [&](const Entry& entry) { return rules.cheap(entry); };
  }
  compute_again(graph.saved, graph.gradients, keep, how);
}

}  // namespace

BackwardGraph make_backward_graph(const Symbol& symbol, const std::vector<NodeRef>& variables,
                                  const BackwardOptions& options) {
  BackwardGraph result;
  const std::string_view recompute = mode_of(options);
  const bool changes =
      !options.known.empty() && !options.by_node && (recompute != "off" || options.budget >= 0);
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

  PointerSet<Node> forward;
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
  PointerSet<Node> backward;
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
  if (changes) choose_what_to_keep(result, options);
  return result;
}

BackwardGraph backward_graph_within(int64_t budget, const Symbol& symbol,
                                    const std::vector<NodeRef>& variables, BackwardOptions options,
                                    const std::function<int64_t(const BackwardGraph&)>& planned) {
  // The choice knows neither the kernels' workspace nor where values come to lie.
  constexpr int most_attempts = 4;
  options.budget = budget;
  int64_t least = INT64_MAX, least_expected = INT64_MAX;
  BackwardGraph graph;
  const auto fits = [&] {
    graph = make_backward_graph(symbol, variables, options);
    const int64_t bytes = planned(graph);
    least = std::min(least, bytes);
    least_expected = std::min(least_expected, graph.expected_bytes);
    options.budget -= bytes - budget + budget / 100;
    return bytes <= budget;
  };
  for (int attempt = 0; attempt < most_attempts && options.budget > 0; ++attempt)
    if (fits()) return graph;
  // With a little more to live, values may come to lie better.
  for (const double more : {1.0, 1.02, 1.05, 1.1}) {
    options.budget = static_cast<int64_t>(static_cast<double>(least_expected) * more);
    if (fits()) return graph;
  }
  fail(ErrorKind::Input,
       "[fit_memory] expected a budget of at least {}, the least that training this graph can be "
       "planned in, got {}; allow more, or bind a smaller batch",
       print_bytes(least), print_bytes(budget));
}

}  // namespace gemel::runtime
