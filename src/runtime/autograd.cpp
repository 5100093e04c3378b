#include "runtime/autograd.h"

#include "op/gradient.h"
#include "op/registry.h"
#include "runtime/deferral.h"
#include "runtime/invoke.h"
#include "runtime/tape.h"

namespace gemel::runtime {
namespace {

thread_local bool recording = false;
thread_local bool training = false;

NDArray without_history(const NDArray& array) {
  NDArray plain = array;
  plain.set_history(nullptr);
  return plain;
}

void attach(NDArray& array, std::shared_ptr<TapeNode> node, int index) {
  auto entry = make_ref<TapeEntry>();
  entry->node = std::move(node);
  entry->index = index;
  array.set_history(Ref<History>(entry.get()));
}

// The graph entry of an input; arrays that autograd has not seen become constants.
Entry entry_of(const NDArray& array) {
  if (const TapeEntry* entry = tape_entry(array)) return Entry{entry->node, entry->index, 0};
  auto constant = std::make_shared<TapeNode>();
  constant->values = {without_history(array)};
  return Entry{std::move(constant), 0, 0};
}

struct FunctionParameters : Parameters {
  int inputs = 0, outputs = 0;
  static void declare(Fields<FunctionParameters>&) {}
};

}  // namespace

TapeNode* as_tape_node(const Node* node) {
  return dynamic_cast<TapeNode*>(const_cast<Node*>(node));
}

const TapeEntry* tape_entry(const NDArray& array) {
  return static_cast<const TapeEntry*>(array.history().get());
}

bool is_recording() { return recording; }
bool is_training() { return training; }
bool set_recording(bool on) {
  if (recording && !on) push_deferred();
  return std::exchange(recording, on);
}
bool set_training(bool on) { return std::exchange(training, on); }

void mark_variable(NDArray& variable, const NDArray& gradient, GradRequest request) {
  GEMEL_CHECK(!gradient || gradient.shape() == variable.shape(),
              "[attach_grad] expected a gradient of shape {}, got {}", variable.shape(),
              gradient.shape());
  auto node = std::make_shared<TapeNode>();
  node->values = {without_history(variable)};
  node->gradient = without_history(gradient);
  node->request = request;
  attach(variable, std::move(node), 0);
}

NDArray gradient_of(const NDArray& variable) {
  const TapeEntry* entry = tape_entry(variable);
  return entry ? entry->node->gradient : NDArray();
}

bool is_gradient_fresh(const NDArray& variable) {
  const TapeEntry* entry = tape_entry(variable);
  return entry && entry->node->fresh;
}

void set_gradient_fresh(const NDArray& variable, bool fresh) {
  if (const TapeEntry* entry = tape_entry(variable)) entry->node->fresh = fresh;
}

void drop_history(NDArray& array) { array.set_history(nullptr); }

bool is_tracked(const NDArray& array) { return static_cast<bool>(array.history()); }

bool needs_record(std::span<const NDArray> inputs) {
  if (!recording) return false;
  for (const NDArray& input : inputs)
    if (is_tracked(input)) return true;
  return false;
}

void record_call(const OpInfo& op, const ParametersRef& parameters, std::span<const NDArray> in,
                 std::span<NDArray> visible, std::span<const NDArray> all_outputs) {
  auto node = std::make_shared<TapeNode>();
  node->op = &op;
  node->name = op.name();
  node->training = is_training();
  node->parameters = parameters;
  node->inputs.reserve(in.size());
  for (const NDArray& input : in) node->inputs.push_back(entry_of(input));
  node->values.reserve(all_outputs.size());
  for (const NDArray& output : all_outputs) node->values.push_back(without_history(output));
  for (size_t i = 0; i < visible.size(); ++i) attach(visible[i], node, static_cast<int>(i));
}

void record_function(const char* name, std::span<const NDArray> inputs, std::span<NDArray> outputs,
                     TapeFunction backward, ReplayFunction replay) {
  auto node = std::make_shared<TapeNode>();
  auto parameters = std::make_shared<FunctionParameters>();
  parameters->inputs = static_cast<int>(inputs.size());
  parameters->outputs = static_cast<int>(outputs.size());
  node->op = &function_operator();
  node->name = name;
  node->training = is_training();
  node->parameters = std::move(parameters);
  node->function = std::move(backward);
  node->replay = std::move(replay);
  for (const NDArray& input : inputs) node->inputs.push_back(entry_of(input));
  for (const NDArray& output : outputs) node->values.push_back(without_history(output));
  for (size_t i = 0; i < outputs.size(); ++i) attach(outputs[i], node, static_cast<int>(i));
}

GEMEL_OPERATORS(tape) {
  auto names = [](const Parameters& p, int count) {
    std::vector<std::string> result;
    for (int i = 0; i < count; ++i) result.push_back("arg" + std::to_string(i));
    return result;
  };
  {
    auto builder = op<FunctionParameters>("_tape_function");
    builder.doc("A recorded call that is not a single operator.");
    OpInfo& info = builder.info();
    info.hidden = true;
    info.inputs = [names](const Parameters& p) {
      return names(p, static_cast<const FunctionParameters&>(p).inputs);
    };
    info.outputs = [](const Parameters& p) {
      return static_cast<const FunctionParameters&>(p).outputs;
    };
    info.gradient_rule = [](const GradientContext& context) {
      const auto& own = context.params<FunctionParameters>();
      auto parameters = std::make_shared<FunctionParameters>();
      parameters->inputs = own.outputs + 1;
      parameters->outputs = own.inputs;
      auto node = std::make_shared<Node>();
      node->op = &function_backward_operator();
      node->name = context.node.name + "_backward";
      node->parameters = std::move(parameters);
      node->inputs.push_back(Entry{context.self, 0, 0});
      for (const Entry& head : context.head) node->inputs.push_back(head);
      std::vector<Entry> gradients;
      for (int i = 0; i < own.inputs; ++i) gradients.push_back(Entry{node, i, 0});
      return gradients;
    };
  }
  auto builder = op<FunctionParameters>("_backward_tape_function");
  builder.doc("The backward work of a recorded call.");
  OpInfo& info = builder.info();
  info.hidden = true;
  info.inputs = [names](const Parameters& p) {
    return names(p, static_cast<const FunctionParameters&>(p).inputs);
  };
  info.outputs = [](const Parameters& p) {
    return static_cast<const FunctionParameters&>(p).outputs;
  };
}

const OpInfo& function_operator() {
  static const OpInfo& op = require_op("_tape_function");
  return op;
}
const OpInfo& function_backward_operator() {
  static const OpInfo& op = require_op("_backward_tape_function");
  return op;
}

}  // namespace gemel::runtime
