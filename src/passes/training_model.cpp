#include "passes/training_model.h"

#include "op/op_info.h"
#include "passes/lifetime.h"
#include "passes/memory_step.h"

namespace gemel {
namespace {

// What a core does in a nanosecond. Only the proportion matters.
constexpr double operations_per_nanosecond = 100, bytes_per_nanosecond = 10;

double work_of(const OpCall& call) {
  double bytes = 0;
  for (const auto& tensors : {call.in, call.out})
    for (const Tensor& tensor : tensors) {
      if (!tensor.shape.known()) return 0;
      bytes += static_cast<double>(tensor.bytes());
    }
  const double operations = call.op.operations ? call.op.operations(call) : 0;
  return bytes / bytes_per_nanosecond + operations / operations_per_nanosecond;
}

std::vector<int> outputs_of(const IndexedGraph& graph, int node, int first_value = 0) {
  std::vector<int> values;
  for (int i = 0; i < graph.output_count(node); ++i)
    values.push_back(first_value + graph.first_entry(node) + i);
  return values;
}

}  // namespace

TrainingModel::TrainingModel(const std::vector<Entry>& outputs,
                             const std::vector<SavedValue>& saved,
                             const std::vector<Entry>& gradients,
                             const std::vector<NodeRef>& head_gradients, const KnownInputs& known,
                             RecomputeRules& rules)
    : forward_(outputs),
      backward_(std::vector<Entry>(gradients.rbegin(), gradients.rend())) {  // as executors run
  const int ahead_count = forward_.entry_count();
  TypedEntries ahead(forward_, known), back(backward_, known);
  ahead.infer(forward_);
  std::vector<int> value_of(static_cast<size_t>(backward_.entry_count()));
  for (int e = 0; e < backward_.entry_count(); ++e)
    value_of[static_cast<size_t>(e)] = ahead_count + e;
  for (const SavedValue& value : saved) {
    if (!backward_.contains(value.placeholder.get())) continue;
    const int entry = backward_.first_entry(backward_.index_of(value.placeholder.get()));
    value_of[static_cast<size_t>(entry)] = forward_.entry_id(value.value);
    back.set(entry, ahead.at(forward_.entry_id(value.value)));
  }
  for (size_t i = 0; i < outputs.size(); ++i)
    if (head_gradients[i] && backward_.contains(head_gradients[i].get()))
      back.set(backward_.first_entry(backward_.index_of(head_gradients[i].get())),
               ahead.at(forward_.entry_id(outputs[i])));
  back.infer(backward_);

  shapes_ = std::move(ahead.shapes);
  dtypes_ = std::move(ahead.dtypes);
  shapes_.insert(shapes_.end(), back.shapes.begin(), back.shapes.end());
  dtypes_.insert(dtypes_.end(), back.dtypes.begin(), back.dtypes.end());
  for (size_t v = 0; v < shapes_.size(); ++v)
    base_.values.push_back({shapes_[v].known() ? shapes_[v].size() * size_of(dtypes_[v]) : 0});
  for (const int n : forward_.variables())
    base_.values[static_cast<size_t>(forward_.first_entry(n))].external = true;
  for (const int n : backward_.variables())
    base_.values[static_cast<size_t>(ahead_count + backward_.first_entry(n))].external = true;
  for (const int head : forward_.heads()) base_.values[static_cast<size_t>(head)].external = true;
  for (const int head : backward_.heads())
    base_.values[static_cast<size_t>(ahead_count + head)].external = true;

  for (int n = 0; n < forward_.node_count(); ++n) {
    const Node& node = *forward_.node(n);
    if (node.is_variable()) continue;
    const auto in = forward_.inputs(n);
    Rule rule = rule_of(node, {in.begin(), in.end()}, outputs_of(forward_, n));
    for (const auto& [from, to] : rule.aliases)
      base_.values[static_cast<size_t>(to)].alias_of = from;
    base_.steps.push_back(std::move(rule.step));
    forward_work_ += rule.work;
  }
  add_rules(rules);
  add_backward(value_of);
}

TrainingModel::Rule TrainingModel::rule_of(const Node& node, const std::vector<int>& in,
                                           const std::vector<int>& out) const {
  const auto& info = static_cast<const OpInfo&>(*node.op);
  std::vector<Tensor> tensors;
  for (const auto* values : {&in, &out})
    for (const int v : *values)
      tensors.emplace_back(nullptr, shapes_[static_cast<size_t>(v)],
                           dtypes_[static_cast<size_t>(v)]);
  const std::span<const Tensor> all = tensors;
  Rule rule;
  rule.work = work_of({info, *node.parameters, all.first(in.size()), all.subspan(in.size()), true});
  rule.step = passes::memory_step(node, in, out, shapes_, dtypes_);
  for (const auto& [from, to] : info.aliases_input)
    rule.aliases.emplace_back(in[static_cast<size_t>(from)], out[static_cast<size_t>(to)]);
  return rule;
}

void TrainingModel::add_rules(RecomputeRules& rules) {
  rule_.assign(static_cast<size_t>(forward_.entry_count()), -1);
  std::unordered_map<const Node*, int> known;  // nodes that give several values
  for (int e = 0; e < forward_.entry_count(); ++e) {
    Node* node = forward_.node_of_entry(e);
    const Entry rule = rules.any({node->shared_from_this(), forward_.output_index(e), 0});
    if (!rule) continue;
    const int n = forward_.producer(e);
    const auto [found, fresh] = known.try_emplace(rule.node.get(), static_cast<int>(rules_.size()));
    rule_[static_cast<size_t>(e)] = found->second;
    if (!fresh) continue;
    std::vector<int> in;
    for (const Entry& input : rule.node->inputs) in.push_back(forward_.entry_id(input));
    const std::vector<int> out =
        rule.node.get() == node ? outputs_of(forward_, n) : std::vector<int>{e};
    rules_.push_back(rule_of(*rule.node, in, out));
    rules_.back().node = n;
  }
}

void TrainingModel::add_backward(const std::vector<int>& value_of) {
  for (int n = 0; n < backward_.node_count(); ++n) {
    const Node& node = *backward_.node(n);
    if (node.is_variable()) continue;
    std::vector<int> in;
    for (const int entry : backward_.inputs(n)) in.push_back(value_of[static_cast<size_t>(entry)]);
    Rule rule = rule_of(node, in, outputs_of(backward_, n, forward_.entry_count()));
    for (const auto& [from, to] : rule.aliases)
      if (from >= forward_.entry_count())  // a kept value may move
        base_.values[static_cast<size_t>(to)].alias_of = from;
    backward_steps_.emplace_back(n, std::move(rule.step));
  }
}

double TrainingModel::work(int value) const {
  return rules_[static_cast<size_t>(rule_[static_cast<size_t>(value)])].work;
}

TrainingModel::Outcome TrainingModel::evaluate(const std::vector<char>& kept) const {
  MemoryProblem problem = base_;
  Outcome outcome;
  const int ahead_count = forward_.entry_count();
  std::vector<int> copy(static_cast<size_t>(ahead_count), -1);
  const auto place = [&](int value) {  // -1: to be computed
    if (value >= ahead_count) return value;
    const auto v = static_cast<size_t>(value);
    return kept[v] || rule_[v] < 0 ? value : copy[v];
  };
  std::vector<int> stack;
  const auto compute = [&](int value, int reader) {
    stack.assign(1, value);
    while (!stack.empty()) {
      const int at = stack.back();
      if (place(at) >= 0) {
        stack.pop_back();
        continue;
      }
      const Rule& rule = rules_[static_cast<size_t>(rule_[static_cast<size_t>(at)])];
      const size_t depth = stack.size();
      for (const int read : rule.step.reads)
        if (place(read) < 0) stack.push_back(read);
      if (stack.size() > depth) continue;
      MemoryProblem::Step step = rule.step;
      for (int& read : step.reads) read = place(read);
      for (int& write : step.writes) {
        const int again = static_cast<int>(problem.values.size());
        problem.values.push_back({base_.values[static_cast<size_t>(write)].bytes});
        for (const auto& [from, to] : rule.aliases)
          if (to == write) problem.values.back().alias_of = place(from);
        copy[static_cast<size_t>(write)] = again;
        write = again;
      }
      problem.steps.push_back(std::move(step));
      outcome.work += rule.work;
      outcome.again.emplace_back(rule.node, reader);
    }
  };
  for (const auto& [node, backward_step] : backward_steps_) {
    MemoryProblem::Step step = backward_step;
    for (int& read : step.reads) {
      if (place(read) < 0) compute(read, node);
      read = place(read);
    }
    problem.steps.push_back(std::move(step));
  }
  const std::vector<int> roots = passes::roots_of(problem);
  outcome.bytes = passes::most_live(passes::blocks_of(problem, roots, true).blocks);
  return outcome;
}

}  // namespace gemel
