#include "runtime/cached_op.h"

#include <algorithm>
#include <mutex>
#include <tuple>
#include <unordered_map>
#include <utility>

#include "base/settings.h"
#include "op/registry.h"
#include "ops/image/chain.h"
#include "passes/fuse_images.h"
#include "record/key.h"
#include "record/record.h"
#include "runtime/autograd.h"
#include "runtime/backward_graph.h"
#include "runtime/common_calls.h"
#include "runtime/invoke.h"
#include "runtime/plan.h"
#include "runtime/random.h"

namespace gemel::runtime {
namespace {

// What one set of input shapes and dtypes needs. Slots: inputs, outputs; where gradients are
// wanted, head gradients and the gradients of the wanted inputs, too, and a second stage, which
// computes them.
struct Variant {
  std::vector<Shape> shapes;
  std::vector<DType> dtypes;
  bool training = false;
  std::vector<bool> wanted;  // inputs that want a gradient; empty: forward only
  BackwardGraph graph;
  std::unique_ptr<Plan> plan;

  bool fits(std::span<const NDArray> inputs, bool train, const std::vector<bool>& want) const {
    if (training != train || wanted != want) return false;
    for (size_t i = 0; i < inputs.size(); ++i)
      if (inputs[i].dtype() != dtypes[i] || !(inputs[i].shape() == shapes[i])) return false;
    return true;
  }
};

// A recorded call. Its arena holds what the forward pass kept, until the last backward pass.
struct RecordedCall {
  std::vector<NDArray> slots;  // inputs and outputs
  Ref<Storage> arena;          // null: a backward pass has written over it
};

}  // namespace

struct CachedOp::State : std::enable_shared_from_this<CachedOp::State> {
  Symbol symbol;
  std::vector<NodeRef> input_nodes;
  std::vector<bool> is_auxiliary;
  NodeRef images;                    // the whole graph as one operator on images; null: it is none
  std::vector<size_t> image_inputs;  // which input of ours each of its inputs is
  std::mutex mutex;
  std::vector<std::shared_ptr<Variant>> variants;  // most recently made last

  // An arena that no recorded call needs: inference, training and calls of every shape share it.
  Ref<Storage> spare;

  ~State() {
    // Queued runs refer to the plans, which go after them. Not by waiting: the thread may hold what
    // a run needs, such as an interpreter's lock, or be a worker.
    for (auto& variant : variants) {
      if (!variant->plan) continue;
      engine::Tag* const writes[] = {&variant->plan->turn()};
      const engine::TaskOptions options{
          .writes = writes, .name = "delete cached op", .small = true, .finaliser = true};
      engine::push([variant = std::move(variant)] {}, options);
    }
  }

  void find_images();
  Ref<Storage> take_arena(int64_t bytes, Device device, bool keep);
  void give_back(Ref<Storage> arena);
  std::shared_ptr<Variant> variant_for(std::span<const NDArray> inputs, bool training,
                                       const std::vector<bool>& wanted);
  record::Choices recorded_choices(const Variant& variant) const;
  void build(Variant& variant, Device device);
  void make_plan(Variant& variant, const record::Choices& choices, Device device) const;
  void run_backward(Variant& variant, RecordedCall& call, std::span<const NDArray> heads,
                    std::span<NDArray> gradients, bool last);
  std::vector<NDArray> replay(std::span<const NDArray> inputs, const Variant& variant,
                              RandomStream random) const;
};

// Images come in many shapes, so their transforms run without a plan for each.
void CachedOp::State::find_images() {
  if (symbol.outputs.size() != 1) return;
  const NodeRef node = fuse_images(symbol.outputs)[0].node;
  if (node->is_variable()) return;
  if (!node->op->name().starts_with("_image_") && node->op->name() != "_fused_image") return;
  std::vector<size_t> places;
  for (const Entry& input : node->inputs) {
    const auto found = std::find(input_nodes.begin(), input_nodes.end(), input.node);
    if (found == input_nodes.end()) return;
    places.push_back(static_cast<size_t>(found - input_nodes.begin()));
  }
  images = node;
  image_inputs = std::move(places);
}

// The graph once more, one call after the other, with the random numbers of the run before. What it
// writes besides its outputs are copies.
std::vector<NDArray> CachedOp::State::replay(std::span<const NDArray> inputs,
                                             const Variant& variant, RandomStream random) const {
  const auto offsets = variant.plan->random_offsets();
  std::unordered_map<const Node*, std::vector<NDArray>> values;
  for (size_t i = 0; i < inputs.size(); ++i)
    values[input_nodes[i].get()] = {is_auxiliary[i] ? inputs[i].copy() : inputs[i]};
  for (const Node* node : topological_order(symbol.outputs)) {
    if (node->is_variable()) continue;
    const auto& op = static_cast<const OpInfo&>(*node->op);
    std::vector<NDArray> in, out(node->visible_output_count());
    for (const Entry& entry : node->inputs) in.push_back(values.at(entry.node.get())[entry.index]);
    std::optional<RepeatedStream> same;
    if (const auto offset = offsets.find(node->name); op.random && offset != offsets.end())
      same.emplace(RandomStream{random.seed, random.offset + offset->second});
    invoke(op, node->parameters, in, out);
    values[node] = std::move(out);
  }
  std::vector<NDArray> results;
  for (const Entry& output : symbol.outputs)
    results.push_back(values.at(output.node.get())[output.index]);
  return results;
}

std::shared_ptr<Variant> CachedOp::State::variant_for(std::span<const NDArray> inputs,
                                                      bool training,
                                                      const std::vector<bool>& wanted) {
  std::lock_guard lock(mutex);
  for (size_t i = variants.size(); i-- > 0;)
    if (variants[i]->fits(inputs, training, wanted)) return variants[i];
  auto variant = std::make_shared<Variant>();
  for (const NDArray& input : inputs) {
    variant->shapes.push_back(input.shape());
    variant->dtypes.push_back(input.dtype());
  }
  variant->training = training;
  variant->wanted = wanted;
  build(*variant, inputs.empty() ? Device{} : inputs[0].device());
  variants.push_back(variant);
  return variant;
}

// What the tuner found for the graph with these inputs.
record::Choices CachedOp::State::recorded_choices(const Variant& variant) const {
  if (!record::is_used()) return {};
  std::unordered_map<const Node*, record::BoundInput> bound;
  for (size_t i = 0; i < input_nodes.size(); ++i)
    bound[input_nodes[i].get()] = {variant.shapes[i], variant.dtypes[i],
                                   !variant.wanted.empty() && variant.wanted[i]};
  const std::string key = record::graph_key(
      symbol.outputs, [&](const Node& node) { return bound.at(&node); }, variant.training);
  return record::look_up(key).value_or(record::Choices{});
}

// At least `bytes`. With `keep` nobody else gets it before it is given back.
Ref<Storage> CachedOp::State::take_arena(int64_t bytes, Device device, bool keep) {
  {
    const std::lock_guard lock(mutex);
    if (spare && spare->bytes() >= bytes && spare->device() == device)
      return keep ? std::exchange(spare, {}) : spare;
    if (!keep) spare = {};  // first, so that both are not held at once
  }
  memory::OwnerScope scope(memory::Owner::plan);
  Ref<Storage> arena = Storage::allocate(bytes, device);
  if (!keep) give_back(arena);
  return arena;
}

void CachedOp::State::give_back(Ref<Storage> arena) {
  const std::lock_guard lock(mutex);
  if (!spare || spare->bytes() < arena->bytes()) spare = std::move(arena);
}

void CachedOp::State::build(Variant& variant, Device device) {
  const record::Choices choices = recorded_choices(variant);
  if (!variant.wanted.empty()) {
    std::vector<NodeRef> variables;
    BackwardOptions options{.recompute = choices.setting("recompute", {})};
    for (size_t i = 0; i < input_nodes.size(); ++i) {
      if (variant.wanted[i]) variables.push_back(input_nodes[i]);
      options.known[input_nodes[i].get()] = {variant.shapes[i], variant.dtypes[i]};
    }
    if (const int64_t budget = budget_or_setting(); budget >= 0)
      backward_graph_within(budget, symbol, variables, options, [&](const BackwardGraph& graph) {
        variant.graph = graph;
        make_plan(variant, choices, device);
        return variant.plan->arena_bytes();
      });
    else
      variant.graph = make_backward_graph(symbol, variables, options);
  }
  if (!variant.plan) make_plan(variant, choices, device);
}

void CachedOp::State::make_plan(Variant& variant, const record::Choices& choices,
                                Device device) const {
  const size_t inputs = input_nodes.size(), outputs = symbol.outputs.size();
  const BackwardGraph& graph = variant.graph;
  const bool differentiated = !variant.wanted.empty();
  PlanSpec spec;
  spec.training = variant.training;
  spec.plan_with(choices);
  spec.device = device;
  spec.shapes = variant.shapes;
  spec.dtypes = variant.dtypes;
  const size_t backward_slots = differentiated ? outputs + graph.gradients.size() : 0;
  spec.shapes.resize(inputs + outputs + backward_slots, Shape::unknown());
  spec.dtypes.resize(spec.shapes.size(), DType::none);
  for (size_t i = 0; i < inputs; ++i) spec.inputs[input_nodes[i].get()] = static_cast<int>(i);
  PlanStage forward;
  forward.heads = differentiated ? graph.outputs : symbol.outputs;
  for (size_t i = 0; i < outputs; ++i) forward.slots.push_back(static_cast<int>(inputs + i));
  if (!differentiated) {
    if (!variant.training) spec.parameters = passes::parameters_of(symbol.outputs);
    spec.stages.push_back(std::move(forward));
    variant.plan = std::make_unique<Plan>(std::move(spec));
    return;
  }
  for (const auto& [saved, placeholder] : graph.saved) {
    size_t head = 0;
    while (head < outputs &&
           !(forward.heads[head].node == saved.node && forward.heads[head].index == saved.index))
      ++head;
    if (head == outputs) {
      head = forward.heads.size();
      forward.heads.push_back(saved);
      forward.slots.push_back(-1);
    }
    spec.carried[placeholder.get()] = {0, static_cast<int>(head)};
  }
  // Head gradients are as the outputs.
  KnownInputs known;
  for (size_t i = 0; i < inputs; ++i)
    known[input_nodes[i].get()] = {variant.shapes[i], variant.dtypes[i]};
  const IndexedGraph indexed(graph.outputs);
  TypedEntries typed(indexed, known);
  typed.infer(indexed);
  for (size_t i = 0; i < outputs; ++i) {
    if (!graph.head_gradients[i]) continue;
    const size_t slot = inputs + outputs + i;
    spec.inputs[graph.head_gradients[i].get()] = static_cast<int>(slot);
    std::tie(spec.shapes[slot], spec.dtypes[slot]) = typed.at(indexed.heads()[i]);
  }
  PlanStage back;
  for (size_t g = graph.gradients.size(); g-- > 0;) {
    back.heads.push_back(graph.gradients[g]);
    back.slots.push_back(static_cast<int>(inputs + 2 * outputs + g));
  }
  spec.stages.push_back(std::move(forward));
  spec.stages.push_back(std::move(back));
  variant.plan = std::make_unique<Plan>(std::move(spec));
}

void CachedOp::State::run_backward(Variant& variant, RecordedCall& call,
                                   std::span<const NDArray> heads, std::span<NDArray> gradients,
                                   bool last) {
  GEMEL_CHECK(call.arena,
              "[cached op] the values of this call were freed by an earlier backward; use "
              "retain_graph=True there");
  const Plan& plan = *variant.plan;
  const Device device = plan.device();
  std::vector<NDArray> all = call.slots;
  for (size_t i = 0; i < heads.size(); ++i)
    all.push_back(heads[i] || !variant.graph.head_gradients[i]
                      ? heads[i]
                      : zeros_like(call.slots[gradients.size() + i]));
  for (size_t i = 0; i < gradients.size(); ++i) {
    if (!variant.wanted[i]) continue;
    const size_t slot = all.size();
    if (!gradients[i]) gradients[i] = NDArray(plan.shapes()[slot], plan.dtypes()[slot], device);
    all.push_back(gradients[i]);
  }
  // The backward pass writes over what the forward pass kept.
  Ref<Storage> arena = call.arena;
  if (last) {
    call.arena = {};
  } else {
    arena = take_arena(call.arena->bytes(), device, true);
    const Shape bytes{call.arena->bytes()};
    NDArray(call.arena, 0, bytes, DType::uint8).copy_to(NDArray(arena, 0, bytes, DType::uint8));
  }
  variant.plan->run(all, 1, 2, arena);
  give_back(std::move(arena));
}

CachedOp::CachedOp(Symbol given, const Attributes&) : state_(std::make_shared<State>()) {
  Symbol symbol = instantiated(given);
  state_->input_nodes = symbol.input_nodes();
  state_->is_auxiliary = symbol.input_is_auxiliary();
  state_->symbol = std::move(symbol);
  state_->find_images();
}
CachedOp::~CachedOp() = default;
const Symbol& CachedOp::symbol() const { return state_->symbol; }

std::pair<std::vector<MemoryUse>, std::vector<std::string>> CachedOp::memory_uses() const {
  State& state = *state_;
  const std::lock_guard lock(state.mutex);
  GEMEL_CHECK(!state.variants.empty(),
              "[cached op] expected a graph that has run, got none; call "
              "the block once");
  const Plan& plan = *state.variants.back()->plan;
  return {plan.memory_uses(), plan.step_names()};
}

std::vector<NDArray> CachedOp::operator()(std::span<const NDArray> inputs) {
  State& state = *state_;
  GEMEL_CHECK(inputs.size() == state.input_nodes.size(), "[cached op] expected {} inputs, got {}",
              state.input_nodes.size(), inputs.size());
  for (size_t i = 0; i < inputs.size(); ++i)
    GEMEL_CHECK(inputs[i], "[cached op] input '{}' is an empty array without storage",
                state.input_nodes[i]->name);
  std::vector<bool> wanted;
  if (needs_record(inputs)) {
    wanted.resize(inputs.size());
    for (size_t i = 0; i < inputs.size(); ++i)
      wanted[i] = is_tracked(inputs[i]) && !state.is_auxiliary[i];
  }
  if (state.images && wanted.empty() && settings::current().fusion) {
    std::vector<NDArray> in, out(1);
    for (size_t i : state.image_inputs) in.push_back(inputs[i]);
    invoke(static_cast<const OpInfo&>(*state.images->op), state.images->parameters, in, out);
    return out;
  }
  std::shared_ptr<Variant> variant = state.variant_for(inputs, is_training(), wanted);
  const Plan& plan = *variant->plan;
  const size_t outputs = state.symbol.outputs.size();
  const bool recorded = !wanted.empty();
  const Device device = inputs.empty() ? Device{} : inputs[0].device();
  std::vector<NDArray> slots(inputs.begin(), inputs.end());
  slots.reserve(inputs.size() + outputs);
  for (size_t i = inputs.size(); i < inputs.size() + outputs; ++i)
    slots.emplace_back(plan.shapes()[i], plan.dtypes()[i], device);
  Ref<Storage> arena = state.take_arena(plan.arena_bytes(), device, recorded);
  const RandomStream random = variant->plan->run(slots, 0, 1, arena);
  std::vector<NDArray> results(slots.begin() + inputs.size(), slots.end());
  if (!recorded) return results;

  for (NDArray& slot : slots) slot.set_history(nullptr);
  auto call = std::make_shared<RecordedCall>(std::move(slots), std::move(arena));
  record_function(
      "cached_op", inputs, results,
      [state = state_, variant, call = std::move(call)](
          std::span<const NDArray> heads, std::span<NDArray> gradients, const std::vector<bool>&,
          bool last) { state->run_backward(*variant, *call, heads, gradients, last); },
      [state = state_, variant, random](std::span<const NDArray> arrays) {
        return state->replay(arrays, *variant, random);
      });
  return results;
}

}  // namespace gemel::runtime
