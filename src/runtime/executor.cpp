#include "runtime/executor.h"

#include <algorithm>
#include <utility>

#include "base/byte_count.h"
#include "base/settings.h"
#include "op/registry.h"
#include "passes/infer_shape.h"
#include "passes/infer_type.h"
#include "record/key.h"
#include "record/record.h"
#include "runtime/backward_graph.h"
#include "runtime/common_calls.h"
#include "runtime/invoke.h"
#include "runtime/plan.h"
#include "runtime/shared_arena.h"

namespace gemel::runtime {
namespace {

// Slots: arguments, then auxiliary states, outputs, gradients (beside arguments), head gradients.
struct Slots {
  int arguments, auxiliary, outputs;
  int argument(int i) const { return i; }
  int auxiliary_state(int i) const { return arguments + i; }
  int output(int i) const { return arguments + auxiliary + i; }
  int gradient(int i) const { return arguments + auxiliary + outputs + i; }
  int head_gradient(int i) const { return 2 * arguments + auxiliary + outputs + i; }
  int count() const { return 2 * (arguments + outputs) + auxiliary; }
};

}  // namespace

struct Executor::State {
  Slots slots;
  std::vector<NDArray> arrays;  // by slot
  std::vector<NodeRef> argument_nodes, auxiliary_nodes;
  BackwardGraph backward;  // empty without gradients
  std::vector<int> asked;  // arguments that want a gradient
  std::unique_ptr<Plan> inference, training;
  int64_t budget = -1;  // that training was fitted to; -1: none
  std::shared_ptr<SharedArena> arena;
  Ref<Storage> own;   // instead of `arena`, while another executor's values are in it
  Ref<Storage> kept;  // where the last forward pass left what the backward pass reads
  bool forward_was_training = false;
  std::vector<Entry> watched;  // internal entries that a monitor wants, in slots after the others
  std::vector<std::pair<std::string, Entry>> watched_gradients;  // in slots after those
  bool given_head_gradients = false;  // some head gradient slot holds a caller's array

  record::Choices choices[2];  // for inference, for training

  PlanSpec specification(const Executor& executor, bool training) const;
  std::vector<NodeRef> asked_variables() const {
    std::vector<NodeRef> variables;
    for (const int argument : asked) variables.push_back(argument_nodes[argument]);
    return variables;
  }
  BackwardOptions backward_options(const Bindings& bindings) const {
    BackwardOptions options{.recompute = choices[true].setting("recompute", {}),
                            .by_node = !watched.empty()};
    for (size_t i = 0; i < argument_nodes.size(); ++i)
      options.known[argument_nodes[i].get()] = {bindings.arguments[i].shape(),
                                                bindings.arguments[i].dtype()};
    for (size_t i = 0; i < auxiliary_nodes.size(); ++i)
      options.known[auxiliary_nodes[i].get()] = {bindings.auxiliary_states[i].shape(),
                                                 bindings.auxiliary_states[i].dtype()};
    return options;
  }
  // After forward(false), backward() takes the gradient of what was computed: the plan for
  // inference then has a backward stage, too.
  bool inference_keeps = false;

  // Queued runs refer to the plans; every run writes its storage's tag.
  std::vector<Ref<Storage>> storages() const {
    std::vector<Ref<Storage>> all;
    for (const Ref<Storage>& storage : {arena->storage(), own, kept})
      if (storage && std::find(all.begin(), all.end(), storage) == all.end())
        all.push_back(storage);
    return all;
  }
  void wait_for_queued_runs() const {
    for (const Ref<Storage>& storage : storages()) try {
        engine::wait_for_write(storage->tag());
      } catch (...) {
        // The failure reaches the readers of the outputs.
      }
  }
  // Memory for a run; with `keep`, the backward pass will read what the run leaves there.
  Ref<Storage> memory_for(const Plan& plan, Device device, bool keep) {
    Ref<Storage> storage = arena->take(plan.arena_bytes(), device, this, keep);
    if (!storage) {
      grow_arena(own, plan.arena_bytes(), device);
      storage = own;
    }
    if (keep) kept = storage;
    return storage;
  }
  // Others may use the memory; alone, a second backward pass still finds the values.
  void release_kept() {
    arena->release(this);
    if (arena.use_count() > 1) kept = {};
  }
};

std::string Executor::key(bool training,
                          const std::vector<std::pair<std::string, std::string>>& settings) const {
  const State& s = *state_;
  std::unordered_map<const Node*, record::BoundInput> bound;
  for (size_t i = 0; i < s.argument_nodes.size(); ++i) {
    const NDArray& array = bindings_.arguments[i];
    bound[s.argument_nodes[i].get()] = {array.shape(), array.dtype(),
                                        training && bindings_.requests[i] != GradRequest::null};
  }
  for (size_t i = 0; i < s.auxiliary_nodes.size(); ++i) {
    const NDArray& array = bindings_.auxiliary_states[i];
    bound[s.auxiliary_nodes[i].get()] = {array.shape(), array.dtype()};
  }
  return record::graph_key(
      symbol_.outputs, [&](const Node& node) { return bound.at(&node); }, training, settings);
}

PlanSpec Executor::State::specification(const Executor& executor, bool training) const {
  PlanSpec spec;
  spec.training = training;
  spec.plan_with(choices[training]);
  spec.device = executor.device_;
  spec.shapes.assign(slots.count(), Shape::unknown());
  spec.dtypes.assign(slots.count(), DType::none);
  for (int i = 0; i < slots.count(); ++i)
    if (arrays[i]) {
      spec.shapes[i] = arrays[i].shape();
      spec.dtypes[i] = arrays[i].dtype();
    }
  for (int i = 0; i < slots.arguments; ++i)
    spec.inputs[argument_nodes[i].get()] = slots.argument(i);
  for (int i = 0; i < slots.auxiliary; ++i)
    spec.inputs[auxiliary_nodes[i].get()] = slots.auxiliary_state(i);

  for (size_t i = 0; i < executor.outputs_.size(); ++i) {  // known once the inference plan is made
    spec.shapes[slots.head_gradient(i)] = executor.outputs_[i].shape();
    spec.dtypes[slots.head_gradient(i)] = executor.outputs_[i].dtype();
  }

  const bool differentiated = (training || inference_keeps) && !asked.empty();
  PlanStage forward;
  for (int i = 0; i < slots.outputs; ++i) {
    forward.heads.push_back(differentiated ? backward.outputs[i] : executor.symbol_.outputs[i]);
    forward.slots.push_back(slots.output(i));
  }
  const auto watch = [&] {
    for (size_t i = 0; i < watched.size(); ++i) {
      forward.heads.push_back(watched[i]);
      forward.slots.push_back(slots.count() + static_cast<int>(i));
    }
    spec.shapes.resize(static_cast<size_t>(slots.count()) + watched.size(), Shape::unknown());
    spec.dtypes.resize(spec.shapes.size(), DType::none);
  };
  if (!differentiated) {
    if (!training) spec.budget = budget;
    if (!training && watched.empty())
      spec.parameters = passes::parameters_of(executor.symbol_.outputs);
    watch();
    spec.stages.push_back(std::move(forward));
    return spec;
  }
  for (const auto& [saved, placeholder] : backward.saved) {
    int head = -1;
    for (int o = 0; o < slots.outputs && head < 0; ++o)
      if (forward.heads[o].node == saved.node && forward.heads[o].index == saved.index) head = o;
    if (head < 0) {
      head = static_cast<int>(forward.heads.size());
      forward.heads.push_back(saved);
      forward.slots.push_back(-1);
    }
    spec.carried[placeholder.get()] = {0, head};
  }
  for (int i = 0; i < slots.outputs; ++i)
    if (backward.head_gradients[i])
      spec.inputs[backward.head_gradients[i].get()] = slots.head_gradient(i);

  // The last layers' gradients first: the order in which the chain of head gradients dies.
  PlanStage back;
  const OpInfo& add = require_op("elemwise_add");
  for (size_t k = asked.size(); k-- > 0;) {
    const int argument = asked[k];
    Entry head = backward.gradients[k];
    if (executor.bindings_.requests[argument] == GradRequest::add) {
      NodeRef previous = make_variable(argument_nodes[argument]->name + "_gradient");
      spec.inputs[previous.get()] = slots.gradient(argument);
      head = Entry{
          make_node(add, previous->name + "_add", {Entry{previous, 0, 0}, head}, Attributes{}), 0,
          0};
    }
    back.heads.push_back(head);
    back.slots.push_back(slots.gradient(argument));
  }
  watch();
  for (const auto& [name, entry] : watched_gradients) {
    back.heads.push_back(entry);
    back.slots.push_back(static_cast<int>(spec.shapes.size()));
    spec.shapes.push_back(Shape::unknown());
    spec.dtypes.push_back(DType::none);
  }
  spec.stages.push_back(std::move(forward));
  spec.stages.push_back(std::move(back));
  return spec;
}

Executor::Executor(Symbol symbol, Bindings bindings, Device device, const DeviceOfGroup& groups,
                   const Executor* shared, const record::Choices* choices)
    : symbol_(instantiated(symbol)),
      bindings_(std::move(bindings)),
      device_(device),
      state_(std::make_unique<State>()) {
  State& s = *state_;
  s.arena =
      shared && shared->device_ == device ? shared->state_->arena : std::make_shared<SharedArena>();
  std::vector<Device> output_devices(symbol_.outputs.size(), device);
  if (!groups.empty()) {
    PlacedGraph placed = place_devices(symbol_.outputs, groups, device);
    for (size_t i = 0; i < placed.heads.size(); ++i)
      output_devices[i] = placed.devices.at(placed.heads[i].node.get());
    symbol_ = Symbol(std::move(placed.heads));
  }
  const auto is_auxiliary = symbol_.input_is_auxiliary();
  const auto nodes = symbol_.input_nodes();
  for (size_t i = 0; i < nodes.size(); ++i)
    (is_auxiliary[i] ? s.auxiliary_nodes : s.argument_nodes).push_back(nodes[i]);
  const size_t arguments = s.argument_nodes.size();
  auto expect = [](const char* what, size_t wanted, size_t got) {
    GEMEL_CHECK(wanted == got, "[bind] expected {} {}, got {}", wanted, what, got);
  };
  bindings_.requests.resize(arguments, GradRequest::null);
  bindings_.gradients.resize(arguments);
  expect("arguments", arguments, bindings_.arguments.size());
  expect("auxiliary states", s.auxiliary_nodes.size(), bindings_.auxiliary_states.size());
  s.slots = {static_cast<int>(arguments), static_cast<int>(s.auxiliary_nodes.size()),
             static_cast<int>(symbol_.outputs.size())};
  s.arrays.resize(s.slots.count());
  for (size_t i = 0; i < arguments; ++i) {
    const NDArray& array = bindings_.arguments[i];
    const NDArray& grad = bindings_.gradients[i];
    GEMEL_CHECK(array, "[bind] argument '{}' has no array", s.argument_nodes[i]->name);
    GEMEL_CHECK(array.device() == device_ || !groups.empty(),
                "[bind] argument '{}' is on {}, expected {}", s.argument_nodes[i]->name,
                to_string(array.device()), to_string(device_));
    if (!grad) bindings_.requests[i] = GradRequest::null;
    GEMEL_CHECK(!grad || grad.shape() == array.shape(),
                "[bind] the gradient of '{}' has shape {}, expected {}", s.argument_nodes[i]->name,
                grad.shape(), array.shape());
    s.arrays[s.slots.argument(i)] = array;
    s.arrays[s.slots.gradient(i)] = grad;
    if (bindings_.requests[i] != GradRequest::null) {
      s.asked.push_back(static_cast<int>(i));
    }
  }
  for (size_t i = 0; i < s.auxiliary_nodes.size(); ++i) {
    GEMEL_CHECK(bindings_.auxiliary_states[i], "[bind] auxiliary state '{}' has no array",
                s.auxiliary_nodes[i]->name);
    s.arrays[s.slots.auxiliary_state(i)] = bindings_.auxiliary_states[i];
  }
  for (const bool training : {false, true})
    if (choices)
      s.choices[training] = *choices;
    else if (record::is_used() && (!training || !s.asked.empty()))
      s.choices[training] = record::look_up(key(training)).value_or(record::Choices{});
  make_backward();

  // The plan that will run first also tells the outputs' shapes.
  s.inference = std::make_unique<Plan>(s.specification(*this, false));
  memory::OwnerScope scope(memory::Owner::array);
  for (int i = 0; i < s.slots.outputs; ++i) {
    const int slot = s.slots.output(i);
    outputs_.emplace_back(s.inference->shapes()[slot], s.inference->dtypes()[slot],
                          output_devices[static_cast<size_t>(i)]);
    s.arrays[slot] = outputs_.back();
  }
}

void Executor::make_backward() {
  State& s = *state_;
  if (s.asked.empty()) return;
  s.backward = make_backward_graph(symbol_, s.asked_variables(), s.backward_options(bindings_));
}

double Executor::fit_training(int64_t bytes) {
  State& s = *state_;
  BackwardGraph before = std::move(s.backward);
  std::unique_ptr<Plan> plan;
  const auto planned = [&](const BackwardGraph& graph) {
    s.backward = graph;
    plan = std::make_unique<Plan>(s.specification(*this, true));
    return plan->arena_bytes();
  };
  try {
    s.backward = backward_graph_within(bytes, symbol_, s.asked_variables(),
                                       s.backward_options(bindings_), planned);
  } catch (...) {
    s.backward = std::move(before);
    throw;
  }
  s.training = std::move(plan);
  return s.backward.repeated_work;
}

double Executor::fit_inference(int64_t bytes) {
  State& s = *state_;
  const int64_t before = std::exchange(s.budget, bytes);
  int64_t least = INT64_MAX;
  for (int attempt = 0; attempt < 4; ++attempt) {  // slices do not know of workspace
    auto plan = std::make_unique<Plan>(s.specification(*this, false));
    least = std::min(least, plan->arena_bytes());
    if (plan->arena_bytes() <= bytes) {
      s.inference = std::move(plan);
      return 0;
    }
    s.budget = attempt == 2 ? 0 : std::max<int64_t>(0, s.budget - (plan->arena_bytes() - bytes));
  }
  s.budget = before;
  fail(
      ErrorKind::Input,
      "[fit_memory] expected a budget of at least {}, the least that this graph can be planned in, "
      "got {}; allow more, or bind a smaller batch",
      print_bytes(least), print_bytes(bytes));
}

double Executor::fit_memory(int64_t bytes) {
  State& s = *state_;
  GEMEL_CHECK(s.watched.empty(),
              "[fit_memory] a monitor keeps every value, so no budget can be met; remove it first");
  s.wait_for_queued_runs();
  const double work = s.asked.empty() ? fit_inference(bytes) : fit_training(bytes);
  if (!s.asked.empty()) s.budget = bytes;
  if (s.inference_keeps) s.inference.reset();  // it followed the old graph
  s.kept = {};
  s.own = {};
  s.arena->release(&s);
  if (s.arena.use_count() == 1) s.arena = std::make_shared<SharedArena>();
  return work;
}

const record::Choices& Executor::choices(bool training) const { return state_->choices[training]; }

void Executor::set_choices(bool training, record::Choices choices) {
  State& s = *state_;
  s.wait_for_queued_runs();
  s.choices[training] = std::move(choices);
  make_backward();
  s.inference.reset();
  s.training.reset();
  s.kept = {};
}

void Executor::set_monitored(bool on) {
  State& s = *state_;
  if (on == !s.watched.empty()) return;
  s.wait_for_queued_runs();
  s.watched.clear();
  s.watched_gradients.clear();
  s.arrays.resize(static_cast<size_t>(s.slots.count()));
  if (on)
    for (const Entry& entry : symbol_.internals().outputs)
      if (!entry.node->is_variable()) s.watched.push_back(entry);
  make_backward();
  for (const NodeGradient& node : s.backward.by_node) {
    const auto& op = *static_cast<const OpInfo*>(node.node->op);
    const size_t count =
        node.node->inputs.size() - static_cast<size_t>(op.auxiliary_count(*node.node->parameters));
    for (size_t i = 0; i < std::min(count, node.inputs.size()); ++i)
      if (node.inputs[i])
        s.watched_gradients.emplace_back(
            node.node->name + "_backward_output" + (count > 1 ? std::to_string(i) : ""),
            node.inputs[i]);
  }
  s.inference.reset();
  s.training.reset();
  s.kept = {};
}

std::vector<std::pair<std::string, NDArray>> Executor::monitored_gradients() const {
  const State& s = *state_;
  const size_t first = static_cast<size_t>(s.slots.count()) + s.watched.size();
  std::vector<std::pair<std::string, NDArray>> values;
  for (size_t i = 0; i < s.watched_gradients.size() && first + i < s.arrays.size(); ++i)
    values.emplace_back(s.watched_gradients[i].first, s.arrays[first + i]);
  return values;
}

std::vector<std::pair<Entry, NDArray>> Executor::monitored() const {
  const State& s = *state_;
  std::vector<std::pair<Entry, NDArray>> values;
  for (size_t i = 0; i < s.watched.size(); ++i)
    values.emplace_back(s.watched[i], s.arrays[static_cast<size_t>(s.slots.count()) + i]);
  return values;
}

Executor::~Executor() {
  if (!state_) return;
  state_->arena->release(state_.get());
  const std::vector<Ref<Storage>> storages = state_->storages();
  if (storages.empty()) return;
  // Not by waiting: the thread may hold what a queued run needs, such as an interpreter's lock.
  std::vector<engine::Tag*> writes;
  for (const Ref<Storage>& storage : storages) writes.push_back(&storage->tag());
  engine::push([state = std::shared_ptr<State>(std::move(state_))] {},
               {.writes = writes, .name = "delete executor", .small = true, .finaliser = true});
}

Plan& Executor::plan(bool training) const {
  State& s = *state_;
  std::unique_ptr<Plan>& slot = training ? s.training : s.inference;
  if (slot) return *slot;
  const int64_t budget = budget_or_setting(s.budget);
  if (training && !s.asked.empty() && s.watched.empty() && budget >= 0)
    const_cast<Executor*>(this)->fit_training(budget);
  else
    slot = std::make_unique<Plan>(s.specification(*this, training));
  // All plans give watched values the same shapes, so they share the arrays.
  memory::OwnerScope scope(memory::Owner::array);
  for (size_t i = static_cast<size_t>(s.slots.count()); i < slot->shapes().size(); ++i)
    if (s.arrays.size() <= i) s.arrays.emplace_back(slot->shapes()[i], slot->dtypes()[i], device_);
  return *slot;
}

void Executor::forward(bool training) {
  State& s = *state_;
  Plan& p = plan(training);
  s.forward_was_training = training;
  const bool keep = (training || s.inference_keeps) && !s.asked.empty();
  p.run(s.arrays, 0, 1, s.memory_for(p, device_, keep));
}

void Executor::set_head_gradients(const std::vector<NDArray>& given) {
  State& s = *state_;
  GEMEL_CHECK(given.empty() || given.size() == outputs_.size(),
              "[backward] expected {} head gradients, got {}", outputs_.size(), given.size());
  for (int i = 0; i < s.slots.outputs; ++i) {
    if (!s.backward.head_gradients[i]) continue;
    NDArray& slot = s.arrays[s.slots.head_gradient(i)];
    if (!given.empty() && given[i]) {
      GEMEL_CHECK(given[i].shape() == outputs_[i].shape(),
                  "[backward] head gradient {}: expected shape {}, got {}", i, outputs_[i].shape(),
                  given[i].shape());
      GEMEL_CHECK(given[i].dtype() == outputs_[i].dtype(),
                  "[backward] head gradient {}: expected dtype {}, got {}", i,
                  name_of(outputs_[i].dtype()), name_of(given[i].dtype()));
      slot = given[i];
      s.given_head_gradients = true;
    } else if (!slot || s.given_head_gradients) {
      slot = ones_like(outputs_[i]);
    }
  }
  if (given.empty()) s.given_head_gradients = false;
}

void Executor::backward(const std::vector<NDArray>& head_gradients) {
  State& s = *state_;
  if (s.asked.empty()) return;
  set_head_gradients(head_gradients);
  const bool training = s.forward_was_training;
  if (!training && !s.inference_keeps) {
    s.wait_for_queued_runs();
    s.inference_keeps = true;
    s.inference.reset();
    s.kept = {};
  }
  Plan& p = plan(training);
  // Without a forward pass that kept what is needed, one runs now.
  const int first = s.kept ? 1 : 0;
  if (!s.kept) s.memory_for(p, device_, true);
  p.run(s.arrays, first, 2, s.kept);
  s.release_kept();
}

void Executor::forward_backward() {
  State& s = *state_;
  Plan& p = plan(true);
  s.forward_was_training = true;
  if (s.asked.empty()) {
    p.run(s.arrays, 0, 1, s.memory_for(p, device_, false));
    return;
  }
  set_head_gradients({});
  p.run(s.arrays, 0, 2, s.memory_for(p, device_, true));
  s.release_kept();
}

std::vector<std::pair<MemoryMode, int64_t>> Executor::memory_plan() const {
  return plan(!state_->asked.empty()).planned_bytes_by_mode();
}

std::pair<int64_t, double> Executor::memory_of_width(int width) const {
  GEMEL_CHECK(width >= 1, "[memory_of_width] expected a width of at least 1, got {}", width);
  const MemoryPlan planned = plan(!state_->asked.empty()).planned_for(width);
  return {planned.bytes, planned.touched_bytes ? static_cast<double>(planned.critical_bytes) /
                                                     static_cast<double>(planned.touched_bytes)
                                               : 1.0};
}

std::vector<std::pair<MemoryMode, int64_t>> memory_plan(
    const Symbol& symbol, const std::vector<std::pair<std::string, Shape>>& shapes) {
  const IndexedGraph graph(symbol.outputs);
  std::vector<Shape> inferred = infer_shapes(graph, shapes);
  std::vector<DType> dtypes = infer_types(graph, std::vector<std::pair<std::string, DType>>{});
  PlanSpec spec;
  spec.plan_with({});
  for (const int n : graph.variables()) {
    const auto entry = static_cast<size_t>(graph.first_entry(n));
    spec.inputs[graph.node(n)] = static_cast<int>(spec.shapes.size());
    spec.shapes.push_back(inferred[entry]);
    spec.dtypes.push_back(dtypes[entry] == DType::none ? DType::float32 : dtypes[entry]);
  }
  PlanStage stage;
  for (const Entry& output : symbol.outputs) {
    stage.heads.push_back(output);
    stage.slots.push_back(static_cast<int>(spec.shapes.size()));
    spec.shapes.push_back(Shape::unknown());
    spec.dtypes.push_back(DType::none);
  }
  spec.stages.push_back(std::move(stage));
  return Plan(std::move(spec)).planned_bytes_by_mode();
}

std::vector<std::pair<std::string, int64_t>> Executor::memory_timeline(MemoryMode mode) const {
  return plan(!state_->asked.empty()).timeline(mode);
}

std::pair<std::vector<MemoryUse>, std::vector<std::string>> Executor::memory_uses() const {
  const Plan& p = plan(!state_->asked.empty());
  return {p.memory_uses(), p.step_names()};
}

std::string Executor::debug_string() const { return plan(!state_->asked.empty()).debug_string(); }

}  // namespace gemel::runtime
