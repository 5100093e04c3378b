#include "runtime/cached_op.h"

#include <algorithm>
#include <mutex>
#include <unordered_map>

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

// What one set of input shapes and dtypes needs. Forward slots: inputs, outputs, saved values.
// Backward slots: inputs, saved values (outputs among them), head gradients, input gradients.
struct Variant {
  std::vector<Shape> shapes;
  std::vector<DType> dtypes;
  bool training = false;
  std::vector<bool> wanted;  // inputs that want a gradient; empty: forward only
  BackwardGraph graph;
  std::vector<int> saved_slot;  // forward slot of each saved value
  std::unique_ptr<Plan> forward, backward;
  Ref<Storage> forward_arena, backward_arena;

  // Slots of the forward plan that are neither inputs nor outputs: arrays of each recorded call.
  bool is_saved(size_t slot) const {
    return slot >= shapes.size() + graph.head_gradients.size() && slot < forward->shapes().size();
  }
  // What a step takes besides inputs, outputs and gradients.
  int64_t bytes() const {
    int64_t total = forward->arena_bytes() + (backward ? backward->arena_bytes() : 0);
    for (size_t slot = 0; slot < forward->shapes().size(); ++slot)
      if (is_saved(slot))
        total += forward->shapes()[slot].size() * size_of(forward->dtypes()[slot]);
    return total;
  }

  bool fits(std::span<const NDArray> inputs, bool train, const std::vector<bool>& want) const {
    if (training != train || wanted != want) return false;
    for (size_t i = 0; i < inputs.size(); ++i)
      if (inputs[i].dtype() != dtypes[i] || !(inputs[i].shape() == shapes[i])) return false;
    return true;
  }
};

Ref<Storage> new_arena(const Plan& plan, Device device) {
  memory::OwnerScope scope(memory::Owner::plan);
  return Storage::allocate(plan.arena_bytes(), device);
}

}  // namespace

struct CachedOp::State : std::enable_shared_from_this<CachedOp::State> {
  Symbol symbol;
  std::vector<NodeRef> input_nodes;
  std::vector<bool> is_auxiliary;
  NodeRef images;                    // the whole graph as one operator on images; null: it is none
  std::vector<size_t> image_inputs;  // which input of ours each of its inputs is
  std::mutex mutex;
  std::vector<std::shared_ptr<Variant>> variants;  // most recently made last

  ~State() {
    // Queued runs refer to the plans, which go after them. Not by waiting: the thread may hold what
    // a run needs, such as an interpreter's lock, or be a worker.
    for (auto& variant : variants) {
      std::vector<engine::Tag*> writes;
      for (auto* arena : {&variant->forward_arena, &variant->backward_arena})
        if (*arena) writes.push_back(&(*arena)->tag());
      if (writes.empty()) continue;
      const engine::TaskOptions options{
          .writes = writes, .name = "delete cached op", .small = true, .finaliser = true};
      engine::push([variant = std::move(variant)] {}, options);
    }
  }

  void find_images();
  std::shared_ptr<Variant> variant_for(std::span<const NDArray> inputs, bool training,
                                       const std::vector<bool>& wanted);
  record::Choices recorded_choices(const Variant& variant) const;
  void build(Variant& variant, Device device);
  void make_plans(Variant& variant, const record::Choices& choices, Device device);
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
  const auto offsets = variant.forward->random_offsets();
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
        make_plans(variant, choices, device);
        return variant.bytes();
      });
    else
      variant.graph = make_backward_graph(symbol, variables, options);
  }
  if (!variant.forward) make_plans(variant, choices, device);
  variant.forward_arena = new_arena(*variant.forward, device);
  if (variant.backward) variant.backward_arena = new_arena(*variant.backward, device);
}

void CachedOp::State::make_plans(Variant& variant, const record::Choices& choices, Device device) {
  const int inputs = static_cast<int>(input_nodes.size());
  const int outputs = static_cast<int>(symbol.outputs.size());
  variant.saved_slot.clear();
  PlanSpec forward;
  forward.training = variant.training;
  forward.plan_with(choices);
  forward.device = device;
  forward.shapes = variant.shapes;
  forward.dtypes = variant.dtypes;
  for (int i = 0; i < inputs; ++i) forward.inputs[input_nodes[i].get()] = i;
  PlanStage stage;
  for (int i = 0; i < outputs; ++i) {
    stage.heads.push_back(symbol.outputs[i]);
    stage.slots.push_back(inputs + i);
  }
  if (variant.wanted.empty() && !variant.training)
    forward.parameters = passes::parameters_of(symbol.outputs);
  if (!variant.wanted.empty()) {
    for (int i = 0; i < outputs; ++i) stage.heads[i] = variant.graph.outputs[i];
    for (const auto& [saved, placeholder] : variant.graph.saved) {
      int slot = -1;
      for (size_t h = 0; h < stage.heads.size() && slot < 0; ++h)
        if (stage.heads[h].node == saved.node && stage.heads[h].index == saved.index)
          slot = stage.slots[h];
      if (slot < 0) {
        slot = inputs + static_cast<int>(stage.heads.size());
        stage.heads.push_back(saved);
        stage.slots.push_back(slot);
      }
      variant.saved_slot.push_back(slot);
    }
  }
  const size_t slots = inputs + stage.heads.size();
  forward.shapes.resize(slots, Shape::unknown());
  forward.dtypes.resize(slots, DType::none);
  forward.stages.push_back(std::move(stage));
  variant.forward = std::make_unique<Plan>(std::move(forward));
  if (variant.wanted.empty()) return;

  // Backward: the forward slots, then head gradients, then input gradients.
  PlanSpec back;
  back.training = variant.training;  // the mode of the values that it reads
  back.plan_with(choices);
  back.device = device;
  back.shapes = variant.forward->shapes();
  back.dtypes = variant.forward->dtypes();
  for (int i = 0; i < inputs; ++i) back.inputs[input_nodes[i].get()] = i;
  for (size_t i = 0; i < variant.graph.saved.size(); ++i)
    back.inputs[variant.graph.saved[i].placeholder.get()] = variant.saved_slot[i];
  for (int i = 0; i < outputs; ++i) {
    back.shapes.push_back(back.shapes[inputs + i]);
    back.dtypes.push_back(back.dtypes[inputs + i]);
    if (variant.graph.head_gradients[i])
      back.inputs[variant.graph.head_gradients[i].get()] = static_cast<int>(slots) + i;
  }
  PlanStage stage_back;
  for (size_t g = variant.graph.gradients.size(); g-- > 0;) {
    stage_back.heads.push_back(variant.graph.gradients[g]);
    stage_back.slots.push_back(static_cast<int>(slots) + outputs + static_cast<int>(g));
  }
  back.shapes.resize(slots + outputs + variant.graph.gradients.size(), Shape::unknown());
  back.dtypes.resize(back.shapes.size(), DType::none);
  back.stages.push_back(std::move(stage_back));
  variant.backward = std::make_unique<Plan>(std::move(back));
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
  const Variant& variant = *state.variants.back();
  std::vector<MemoryUse> uses = variant.forward->memory_uses();
  std::vector<std::string> steps = variant.forward->step_names();
  if (!variant.backward) return {std::move(uses), std::move(steps)};
  // The second arena lies above the first, and the values of the call above both.
  int64_t top = variant.forward->arena_bytes() + variant.backward->arena_bytes();
  std::unordered_map<int, size_t> saved;
  for (size_t i = 0; i < uses.size(); ++i)
    if (uses[i].slot >= 0 && variant.is_saved(static_cast<size_t>(uses[i].slot))) {
      uses[i].offset = top;
      top += uses[i].bytes;
      saved.emplace(uses[i].slot, i);
    }
  const int first = static_cast<int>(steps.size());
  for (MemoryUse& use : variant.backward->memory_uses()) {
    if (const auto found = saved.find(use.slot); use.slot >= 0 && found != saved.end()) {
      uses[found->second].end = first + use.end;
      continue;
    }
    use.begin += first;
    use.end += first;
    use.stage = 1;
    if (use.offset >= 0) use.offset += variant.forward->arena_bytes();
    uses.push_back(std::move(use));
  }
  for (std::string& name : variant.backward->step_names()) steps.push_back(std::move(name));
  return {std::move(uses), std::move(steps)};
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
  const Plan& plan = *variant->forward;
  const size_t outputs = state.symbol.outputs.size();
  std::vector<NDArray> slots(inputs.begin(), inputs.end());
  slots.reserve(plan.shapes().size());
  const Device device = inputs.empty() ? Device{} : inputs[0].device();
  for (size_t i = inputs.size(); i < plan.shapes().size(); ++i)
    slots.emplace_back(plan.shapes()[i], plan.dtypes()[i], device);
  const RandomStream random = variant->forward->run(slots, 0, 1, variant->forward_arena);
  std::vector<NDArray> results(slots.begin() + inputs.size(),
                               slots.begin() + inputs.size() + outputs);
  if (wanted.empty()) return results;

  for (NDArray& slot : slots) slot.set_history(nullptr);
  record_function(
      "cached_op", inputs, results,
      [state = state_, variant, slots = std::move(slots), outputs](
          std::span<const NDArray> heads, std::span<NDArray> gradients, const std::vector<bool>&) {
        std::vector<NDArray> all = slots;
        const Plan& back = *variant->backward;
        const Device device = slots[0].device();
        for (size_t i = 0; i < outputs; ++i) {
          NDArray head = heads[i];
          if (!head && variant->graph.head_gradients[i]) {
            head = zeros_like(slots[gradients.size() + i]);
          }
          all.push_back(head);
        }
        size_t next = 0;
        for (size_t i = 0; i < gradients.size(); ++i) {
          if (!variant->wanted[i]) continue;
          const size_t slot = slots.size() + outputs + next++;
          if (!gradients[i])
            gradients[i] = NDArray(back.shapes()[slot], back.dtypes()[slot], device);
          all.push_back(gradients[i]);
        }
        variant->backward->run(all, 0, 1, variant->backward_arena);
      },
      [state = state_, variant, random](std::span<const NDArray> arrays) {
        return state->replay(arrays, *variant, random);
      });
  return results;
}

}  // namespace gemel::runtime
