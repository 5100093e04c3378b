// autograd::backward: the calls of the gradient pass over the tape, as imperative calls.
#include <algorithm>

#include "runtime/autograd.h"
#include "runtime/common_calls.h"
#include "runtime/deferral.h"
#include "runtime/invoke.h"
#include "runtime/recorded_graph.h"
#include "runtime/tape.h"

namespace gemel::runtime {
namespace {

class ModeScope {
 public:
  ModeScope(bool recording, bool training)
      : recording_(set_recording(recording)), training_(set_training(training)) {}
  ~ModeScope() {
    set_recording(recording_);
    set_training(training_);
  }

 private:
  bool recording_, training_;
};

std::vector<Entry> head_entries(std::span<const NDArray> heads) {
  std::vector<Entry> entries;
  for (const NDArray& head : heads) {
    const TapeEntry* entry = tape_entry(head);
    GEMEL_CHECK(entry,
                "[backward] expected an array computed inside autograd.record() from an array with "
                "attach_grad(), got one that was not recorded");
    entries.push_back(Entry{entry->node, entry->index, 0});
  }
  return entries;
}

using Source = BackwardCalls::Source;

// Head gradients as given; an empty one stands for ones.
std::vector<NDArray> checked_head_gradients(std::span<const NDArray> heads,
                                            std::span<const NDArray> given) {
  GEMEL_CHECK(given.empty() || given.size() == heads.size(),
              "[backward] expected {} head gradients, got {}", heads.size(), given.size());
  std::vector<NDArray> gradients(given.begin(), given.end());
  gradients.resize(heads.size());
  for (size_t i = 0; i < heads.size(); ++i)
    GEMEL_CHECK(!gradients[i] || gradients[i].shape() == heads[i].shape(),
                "[backward] head gradient {}: expected shape {}, got {}", i, heads[i].shape(),
                gradients[i].shape());
  return gradients;
}

// Makes the calls of one backward pass.
class BackwardRun {
 public:
  BackwardRun(const BackwardCalls& calls, const RecordedGraph& graph,
              std::span<const NDArray> heads, std::vector<NDArray> head_gradients,
              bool create_graph, bool last)
      : calls_(calls),
        graph_(graph),
        heads_(heads),
        head_gradients_(std::move(head_gradients)),
        values_(calls.last_reader.size()),
        create_graph_(create_graph),
        last_(last) {}

  // A result that is computed for one variable only is written where it belongs, unless a call may
  // still read that memory.
  void write_into(size_t variable, const NDArray& target) {
    const Source& result = calls_.results[variable];
    if (result.kind == Source::value && calls_.result_count[result.number] == 1 &&
        calls_.last_reader[result.number] < 0 && !is_read(target))
      values_[result.number] = target;
  }

  void run() {
    for (size_t i = 0; i < calls_.steps.size(); ++i) {
      const BackwardCalls::Step& step = calls_.steps[i];
      set_training(step.training);
      if (step.recorded >= 0)
        run_recorded(step);
      else
        run_operator(step);
      for (const Source& input : step.inputs)
        if (input.kind == Source::value &&
            calls_.last_reader[input.number] == static_cast<int>(i) &&
            calls_.result_count[input.number] == 0)
          values_[input.number] = NDArray();
    }
  }

  // Ones that nobody has made yet.
  bool is_default_head(size_t variable) const {
    const Source& result = calls_.results[variable];
    return result.kind == Source::head && !head_gradients_[result.number];
  }
  NDArray result(size_t variable) { return value(calls_.results[variable]); }

 private:
  bool is_read(const NDArray& target) {
    if (leaves_.empty()) {
      for (const NDArray& gradient : head_gradients_)
        if (gradient) leaves_.push_back(gradient.storage().get());
      for (const BackwardCalls::Step& step : calls_.steps) {
        for (const Source& input : step.inputs)
          if (input.kind == Source::tape)
            leaves_.push_back(graph_.nodes()[input.number]->values[input.index].storage().get());
        if (step.recorded < 0) continue;
        for (const Entry& input : graph_.nodes()[step.recorded]->inputs)
          leaves_.push_back(
              static_cast<TapeNode*>(input.node.get())->values[input.index].storage().get());
      }
      leaves_.push_back(nullptr);
      std::sort(leaves_.begin(), leaves_.end());
    }
    return std::binary_search(leaves_.begin(), leaves_.end(), target.storage().get());
  }

  NDArray tape_value(TapeNode& node, int index) const {
    GEMEL_CHECK(index < static_cast<int>(node.values.size()),
                "[backward] the values of '{}' were freed by an earlier backward", node.name);
    NDArray array = node.values[index];
    if (create_graph_) {
      auto history = make_ref<TapeEntry>();
      history->node = std::static_pointer_cast<TapeNode>(node.shared_from_this());
      history->index = index;
      array.set_history(Ref<History>(history.get()));
    }
    return array;
  }

  NDArray value(const Source& source) {
    switch (source.kind) {
      case Source::value:
        return values_[source.number];
      case Source::tape:
        return tape_value(*graph_.nodes()[source.number], source.index);
      case Source::head: {
        NDArray& gradient = head_gradients_[source.number];
        if (!gradient) gradient = ones_like(heads_[source.number]);
        return gradient;
      }
      case Source::none:
        break;
    }
    return {};
  }

  std::vector<NDArray> inputs_of(const BackwardCalls::Step& step) {
    std::vector<NDArray> in;
    in.reserve(step.inputs.size());
    for (const Source& input : step.inputs) in.push_back(value(input));
    return in;
  }

  bool is_wanted(int value) const {
    return calls_.last_reader[value] >= 0 || calls_.result_count[value] > 0;
  }

  void run_operator(const BackwardCalls::Step& step) {
    const std::vector<NDArray> in = inputs_of(step);
    invoke(*step.op, step.parameters, in,
           std::span(values_).subspan(step.first_value, step.values));
    for (int i = 0; i < step.values; ++i)
      if (!is_wanted(step.first_value + i)) values_[step.first_value + i] = NDArray();
  }

  void run_recorded(const BackwardCalls::Step& step) {
    TapeNode& recorded = *graph_.nodes()[step.recorded];
    const std::vector<NDArray> heads = inputs_of(step);
    const size_t inputs = recorded.inputs.size();
    std::vector<bool> wanted(inputs);
    for (size_t i = 0; i < inputs; ++i)
      wanted[i] = is_wanted(step.first_value + static_cast<int>(i));
    const auto out = std::span(values_).subspan(step.first_value, inputs);
    if (create_graph_)
      differentiate_again(recorded, heads, out, wanted);
    else
      recorded.function(heads, out, wanted, last_);
    for (size_t i = 0; i < inputs; ++i)
      if (!wanted[i]) out[i] = NDArray();
  }

  // The recorded work once more, as calls on the tape, and their gradients.
  void differentiate_again(TapeNode& recorded, const std::vector<NDArray>& heads,
                           std::span<NDArray> out, const std::vector<bool>& wanted) {
    GEMEL_CHECK(recorded.replay,
                "[backward] create_graph through the function '{}' is not supported: its gradient "
                "is not made of operators",
                recorded.name);
    std::vector<NDArray> in, variables, outputs, gradients_of_outputs;
    std::vector<size_t> places;
    for (const Entry& input : recorded.inputs)
      in.push_back(tape_value(*static_cast<TapeNode*>(input.node.get()), input.index));
    const std::vector<NDArray> again = recorded.replay(in);
    for (size_t i = 0; i < again.size(); ++i)
      if (heads[i] && is_tracked(again[i])) {
        outputs.push_back(again[i]);
        gradients_of_outputs.push_back(heads[i]);
      }
    for (size_t i = 0; i < in.size(); ++i)
      if (wanted[i]) {
        places.push_back(i);
        variables.push_back(in[i]);
      }
    const std::vector<NDArray> results =
        gradients(outputs, gradients_of_outputs, variables, true, true, is_training());
    for (size_t i = 0; i < places.size(); ++i) out[places[i]] = results[i];
  }

  const BackwardCalls& calls_;
  const RecordedGraph& graph_;
  std::span<const NDArray> heads_;
  std::vector<NDArray> head_gradients_;
  std::vector<NDArray> values_;
  std::vector<const Storage*> leaves_;
  bool create_graph_;
  bool last_;  // the graph is freed afterwards
};

// A result may be memory that the gradient of another variable is written to (a head gradient
// given by the caller): such a result is copied first.
void separate(std::vector<NDArray>& results, const std::vector<Entry>& variables) {
  for (size_t i = 0; i < results.size(); ++i) {
    if (!results[i]) continue;
    for (size_t j = 0; j < variables.size(); ++j) {
      const NDArray& written = static_cast<TapeNode&>(*variables[j].node).gradient;
      if (j == i || !(written.storage() == results[i].storage())) continue;
      results[i] = results[i].copy();
      break;
    }
  }
}

void free_graph(const RecordedGraph& graph) {
  // Nodes refer to their inputs, which refer to theirs: cut the links so that the memory goes now,
  // although a caller may still hold the last array.
  for (TapeNode* node : graph.nodes())
    if (!node->is_variable()) {
      node->freed = true;
      node->function = nullptr;
    }
  std::vector<std::vector<Entry>> links;
  links.reserve(graph.nodes().size());
  for (TapeNode* node : graph.nodes())
    if (!node->is_variable()) {
      node->values.clear();
      links.push_back(std::move(node->inputs));
      node->inputs.clear();
    }
}

}  // namespace

void backward(std::span<const NDArray> heads, std::span<const NDArray> head_gradients,
              bool retain_graph, bool training) {
  push_deferred();
  const std::vector<Entry> head_list = head_entries(heads);
  const RecordedGraph graph(head_list);
  const ModeScope mode(false, training);
  const std::vector<Entry> variables = graph.variables();
  GEMEL_CHECK(!variables.empty(), "[backward] no array with attach_grad() leads to the heads");
  const auto calls = BackwardCalls::of(graph, head_list, variables);
  BackwardRun run(*calls, graph, heads, checked_head_gradients(heads, head_gradients), false,
                  !retain_graph);
  const auto variable = [&](size_t i) -> TapeNode& {
    return static_cast<TapeNode&>(*variables[i].node);
  };
  for (size_t i = 0; i < variables.size(); ++i)
    if (variable(i).request == GradRequest::write) run.write_into(i, variable(i).gradient);
  run.run();
  std::vector<NDArray> results(variables.size());  // all of them before any gradient is written
  for (size_t i = 0; i < variables.size(); ++i)
    if (variable(i).request != GradRequest::write || !run.is_default_head(i))
      results[i] = run.result(i);
  separate(results, variables);
  for (size_t i = 0; i < variables.size(); ++i) {
    TapeNode& target = variable(i);
    target.fresh = true;
    if (!results[i])
      fill_with_ones(target.gradient);
    else if (target.request == GradRequest::add)
      add_into(results[i], target.gradient);
    else if (!(results[i].storage() == target.gradient.storage() &&
               results[i].offset() == target.gradient.offset()))
      copy_into(results[i], target.gradient);
  }
  if (!retain_graph) free_graph(graph);
}

std::vector<NDArray> gradients(std::span<const NDArray> heads,
                               std::span<const NDArray> head_gradients,
                               std::span<const NDArray> variables, bool retain_graph,
                               bool create_graph, bool training) {
  push_deferred();
  const std::vector<Entry> head_list = head_entries(heads);
  const std::vector<Entry> variable_list = head_entries(variables);
  const RecordedGraph graph(head_list, variable_list);
  const ModeScope mode(create_graph, training);
  const auto calls = BackwardCalls::of(graph, head_list, variable_list);
  BackwardRun run(*calls, graph, heads, checked_head_gradients(heads, head_gradients), create_graph,
                  !retain_graph && !create_graph);
  run.run();
  std::vector<NDArray> values;
  for (size_t i = 0; i < variable_list.size(); ++i) values.push_back(run.result(i));
  if (!retain_graph && !create_graph) free_graph(RecordedGraph(head_list));
  return values;
}

}  // namespace gemel::runtime
