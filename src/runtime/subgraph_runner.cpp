// The runtime's SubgraphRunner: Plans per set of input shapes and dtypes, run by the caller.
#include "op/subgraph_runner.h"

#include <mutex>

#include "base/settings.h"
#include "op/registry.h"
#include "passes/infer_shape.h"
#include "passes/infer_type.h"
#include "runtime/backward_graph.h"
#include "runtime/plan.h"

namespace gemel::runtime {
namespace {

NDArray borrowed(const Tensor& tensor) {
  return NDArray(Storage::borrow(tensor.address, tensor.bytes(), tensor.device, [] {}), 0,
                 tensor.shape, tensor.dtype);
}

struct CompiledGraph {
  std::vector<Shape> shapes;
  std::vector<DType> dtypes;
  bool training = false;
  std::vector<char> wanted;  // per input: 1 a gradient, 2 added to a previous one; forward: empty
  std::unique_ptr<Plan> plan;
  Ref<Storage> arena;

  bool fits(std::span<const Tensor> in, bool train, const std::vector<char>& want) const {
    if (training != train || wanted != want) return false;
    for (size_t i = 0; i < in.size(); ++i)
      if (in[i].dtype != dtypes[i] || !(in[i].shape == shapes[i])) return false;
    return true;
  }
};

class PlanRunner : public SubgraphRunner {
 public:
  explicit PlanRunner(std::shared_ptr<Symbol> graph)
      : symbol_(std::move(graph)), nodes_(symbol_->input_nodes()), indexed_(symbol_->outputs) {}

  void infer_shapes(std::span<Shape> in, std::span<Shape> out, bool training) override {
    infer(in, out, Shape::unknown(),
          [&](std::vector<Shape>& shapes) { gemel::infer_shapes(indexed_, shapes, training); });
  }
  void infer_types(std::span<DType> in, std::span<DType> out) override {
    infer(in, out, DType::none,
          [&](std::vector<DType>& dtypes) { gemel::infer_types(indexed_, dtypes); });
  }

  uint64_t random_count(std::span<const Tensor> in, bool training) override {
    std::lock_guard lock(mutex_);
    return compiled(in, training, {}).plan->draws(0, 1);
  }

  void forward(std::span<const Tensor> in, std::span<const Tensor> out, bool training,
               RandomStream random) override {
    std::lock_guard lock(mutex_);
    CompiledGraph& graph = compiled(in, training, {});
    std::vector<NDArray> slots;
    slots.reserve(in.size() + out.size());
    for (const Tensor& tensor : in) slots.push_back(borrowed(tensor));
    for (const Tensor& tensor : out) slots.push_back(borrowed(tensor));
    graph.plan->run_here(slots, 0, 1, *graph.arena, random);
  }

  void backward(std::span<const Tensor> in, std::span<const Tensor> head_gradients,
                std::span<const Tensor> gradients, std::span<const Tensor> previous, bool training,
                RandomStream random) override {
    std::vector<char> wanted(in.size(), 0);
    for (size_t i = 0; i < in.size(); ++i)
      if (gradients[i].address) wanted[i] = i < previous.size() && previous[i].address ? 2 : 1;
    std::lock_guard lock(mutex_);
    CompiledGraph& graph = compiled(in, training, wanted);
    std::vector<NDArray> slots;
    slots.reserve(graph.plan->shapes().size());
    for (const Tensor& tensor : in) slots.push_back(borrowed(tensor));
    for (const Tensor& tensor : head_gradients) slots.push_back(borrowed(tensor));
    for (size_t i = 0; i < in.size(); ++i) {
      slots.push_back(wanted[i] ? borrowed(gradients[i]) : NDArray());
      slots.push_back(wanted[i] == 2 ? borrowed(previous[i]) : NDArray());
    }
    graph.plan->run_here(slots, 0, 2, *graph.arena, random);
  }

 private:
  template <typename T, typename Run>
  void infer(std::span<T> in, std::span<T> out, const T& unknown, Run run) {
    std::vector<T> values(static_cast<size_t>(indexed_.entry_count()), unknown);
    const auto entry = [&](const Entry& e) { return static_cast<size_t>(indexed_.entry_id(e)); };
    for (size_t i = 0; i < in.size(); ++i) values[entry({nodes_[i], 0, 0})] = in[i];
    for (size_t i = 0; i < out.size(); ++i)
      if (!symbol_->outputs[i].node->is_variable()) values[entry(symbol_->outputs[i])] = out[i];
    run(values);
    for (size_t i = 0; i < in.size(); ++i) in[i] = values[entry({nodes_[i], 0, 0})];
    for (size_t i = 0; i < out.size(); ++i) out[i] = values[entry(symbol_->outputs[i])];
  }

  CompiledGraph& compiled(std::span<const Tensor> in, bool training,
                          const std::vector<char>& wanted) {
    for (size_t i = graphs_.size(); i-- > 0;)
      if (graphs_[i]->fits(in, training, wanted)) return *graphs_[i];
    auto graph = std::make_unique<CompiledGraph>();
    for (const Tensor& tensor : in) {
      graph->shapes.push_back(tensor.shape);
      graph->dtypes.push_back(tensor.dtype);
    }
    graph->training = training;
    graph->wanted = wanted;
    const Device device = in.empty() ? Device{} : in[0].device;
    build(*graph, device);
    memory::OwnerScope scope(memory::Owner::plan);
    graph->arena = Storage::allocate(graph->plan->arena_bytes(), device);
    return *graphs_.emplace_back(std::move(graph));
  }

  // Slots: the inputs; then the outputs, or for a backward plan the head gradients and per input
  // its gradient and the previous one.
  void build(CompiledGraph& graph, Device device) {
    const int inputs = static_cast<int>(nodes_.size());
    const int outputs = static_cast<int>(symbol_->outputs.size());
    const bool backward = !graph.wanted.empty();
    PlanSpec spec;
    spec.training = graph.training;
    spec.fuse = settings::current().fusion;
    spec.memory = memory_mode_from_name(settings::current().memory_plan);
    spec.device = device;
    spec.shapes = graph.shapes;
    spec.dtypes = graph.dtypes;
    const size_t slots = static_cast<size_t>(inputs + outputs + (backward ? 2 * inputs : 0));
    spec.shapes.resize(slots, Shape::unknown());
    spec.dtypes.resize(slots, DType::none);
    for (int i = 0; i < inputs; ++i) spec.inputs[nodes_[static_cast<size_t>(i)].get()] = i;
    // The forward pass is the same in both plans, so that it draws the same random numbers.
    PlanStage forward;
    for (int i = 0; i < outputs; ++i) {
      forward.heads.push_back(symbol_->outputs[static_cast<size_t>(i)]);
      forward.slots.push_back(backward ? -1 : inputs + i);
    }
    if (!backward) {
      spec.stages.push_back(std::move(forward));
      graph.plan = std::make_unique<Plan>(std::move(spec));
      return;
    }
    std::vector<NodeRef> variables;
    for (size_t i = 0; i < nodes_.size(); ++i)
      if (graph.wanted[i]) variables.push_back(nodes_[i]);
    BackwardGraph back = make_backward_graph(*symbol_, variables);
    for (const SavedValue& saved : back.saved) {
      spec.carried[saved.placeholder.get()] = {0, static_cast<int>(forward.heads.size())};
      forward.heads.push_back(saved.value);
      forward.slots.push_back(-1);
    }
    describe_head_gradients(graph, spec);
    for (int i = 0; i < outputs; ++i)
      if (const NodeRef& head = back.head_gradients[static_cast<size_t>(i)])
        spec.inputs[head.get()] = inputs + i;
    PlanStage stage;
    size_t next = 0;
    for (int i = 0; i < inputs; ++i) {
      const char wanted = graph.wanted[static_cast<size_t>(i)];
      if (!wanted) continue;
      Entry gradient = back.gradients[next++];
      const int slot = inputs + outputs + 2 * i;
      if (wanted == 2) {
        NodeRef before = make_variable("previous_gradient" + std::to_string(i));
        spec.inputs[before.get()] = slot + 1;
        spec.shapes[static_cast<size_t>(slot) + 1] = graph.shapes[static_cast<size_t>(i)];
        spec.dtypes[static_cast<size_t>(slot) + 1] = graph.dtypes[static_cast<size_t>(i)];
        gradient = Entry{make_node(require_op("elemwise_add"), "add_gradient" + std::to_string(i),
                                   {Entry{before, 0, 0}, gradient}, Attributes{}),
                         0, 0};
      }
      stage.heads.push_back(gradient);
      stage.slots.push_back(slot);
    }
    spec.stages.push_back(std::move(forward));
    spec.stages.push_back(std::move(stage));
    graph.plan = std::make_unique<Plan>(std::move(spec));
  }

  // Head gradients have their outputs' shapes and dtypes.
  void describe_head_gradients(const CompiledGraph& graph, PlanSpec& spec) {
    auto shapes = graph.shapes;
    auto dtypes = graph.dtypes;
    std::vector<Shape> out(symbol_->outputs.size(), Shape::unknown());
    std::vector<DType> out_types(symbol_->outputs.size(), DType::none);
    infer_shapes(shapes, out, graph.training);
    infer_types(dtypes, out_types);
    for (size_t i = 0; i < out.size(); ++i) {
      spec.shapes[nodes_.size() + i] = out[i];
      spec.dtypes[nodes_.size() + i] = out_types[i] == DType::none ? DType::float32 : out_types[i];
    }
  }

  std::shared_ptr<Symbol> symbol_;
  std::vector<NodeRef> nodes_;
  IndexedGraph indexed_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<CompiledGraph>> graphs_;
};

[[maybe_unused]] const bool installed = [] {
  set_subgraph_runner_factory([](std::shared_ptr<Symbol> graph) -> std::shared_ptr<SubgraphRunner> {
    return std::make_shared<PlanRunner>(std::move(graph));
  });
  return true;
}();

}  // namespace
}  // namespace gemel::runtime
