// Builds a Plan from its specification.
#include <algorithm>
#include <unordered_set>

#include "base/byte_count.h"
#include "base/settings.h"
#include "graph/indexed.h"
#include "graph/symbol.h"
#include "kernels/fpmath.h"
#include "kernels/parallel.h"
#include "op/registry.h"
#include "passes/batch_slices.h"
#include "passes/common_subexpressions.h"
#include "passes/constant_fold.h"
#include "passes/fold_batch_norm.h"
#include "passes/fuse.h"
#include "passes/fuse_convolution.h"
#include "passes/hoist.h"
#include "passes/infer_shape.h"
#include "passes/infer_type.h"
#include "passes/layout.h"
#include "passes/lifetime.h"
#include "record/key.h"
#include "runtime/call.h"
#include "runtime/hoisted_values.h"
#include "runtime/plan.h"

namespace gemel::runtime {
namespace {

// The node itself, or one in the graphs it holds.
bool runs_user_code(const Node& node) {
  if (static_cast<const OpInfo&>(*node.op).runs_user_code) return true;
  for (const auto& graph : node.subgraphs)
    for (const Node* inner : topological_order(graph->outputs))
      if (!inner->is_variable() && runs_user_code(*inner)) return true;
  return false;
}
// A call on the calling thread, as a step of the plan would run it.
void run_beforehand(const Node& node, const OpCall& call) {
  const Implementation& implementation = call.op.choose(call);
  const ReproducibleSums sums(implementation);
  std::unique_ptr<Prepared> prepared;
  if (implementation.prepare) prepared = implementation.prepare(call);
  OpCall complete = call;
  complete.prepared = prepared.get();
  run_kernel(implementation, complete, node.name);
}
// A step that touches no more than this, and does no more work, runs on one thread.
constexpr int64_t single_thread_bytes = 1 << 20;
constexpr double single_thread_operations = 4e6;

// Threads inside operators: as many as there are, or fewer if that was chosen.
int chosen_threads(const record::Choices& choices) {
  int threads = kernels::thread_count();
  parse_value(choices.setting("omp_threads", print_value(threads)), threads);
  return std::clamp(threads, 1, kernels::thread_count());
}
}  // namespace

// Values are numbered over all stages. A value's root is where its bytes are: a slot, or the arena.
struct Plan::Builder {
  PlanSpec spec;
  Plan& plan;
  std::vector<int> slot_of;  // per value; -1: internal
  std::vector<Shape> shape_of;
  std::vector<DType> dtype_of;
  std::vector<std::vector<int>> head_values;   // per stage, per head
  std::unordered_map<int, int> value_of_slot;  // slot -> value
  std::vector<std::vector<int>> step_reads;
  std::vector<Entry> as_given;  // keeps the nodes of constant_shape alive
  std::unordered_map<const Node*, Shape> constant_shape;
  std::unordered_set<int> changed_slots, changed_values;  // that some step writes besides outputs

  const int slots;  // the caller's; after them come those of hoisted values

  Builder(PlanSpec s, Plan& p)
      : spec(std::move(s)), plan(p), slots(static_cast<int>(spec.shapes.size())) {}

  void build() {
    if (spec.fuse)
      for (PlanStage& stage : spec.stages) stage.heads = merge_common_subexpressions(stage.heads);
    if (spec.stages.size() == 1 && !spec.parameters.empty() && spec.fuse && !spec.training &&
        capability(spec.device).arithmetic && !settings::current().reference_kernels)
      hoist_parameters();
    separate_heads();
    for (size_t stage = 0; stage < spec.stages.size(); ++stage)
      build_stage(static_cast<int>(stage));
    drop_unread_steps();
    plan.memory_mode_ = spec.memory;
    plan.memory_ = plan_memory(plan.problem_, spec.memory);
    place();
    spec.shapes.resize(static_cast<size_t>(slots));
    spec.dtypes.resize(static_cast<size_t>(slots));
    plan.slots_ = slot_of;
    plan.shapes_ = spec.shapes;
    plan.dtypes_ = spec.dtypes;
  }

  // Splits off what depends on parameters alone, as a plan of its own whose results are kept.
  void hoist_parameters() {
    PlanStage& stage = spec.stages[0];
    std::vector<Shape> shapes;
    std::vector<DType> dtypes;
    IndexedGraph graph(stage.heads);
    infer(graph, shapes, dtypes);
    keep_constant_shapes(graph, stage.heads, shapes);
    const auto adopt = [&](std::vector<Entry> heads) {
      if (heads == stage.heads) return;
      stage.heads = std::move(heads);
      graph = IndexedGraph(stage.heads);
      infer(graph, shapes, dtypes);
    };
    adopt(fold_batch_norm(graph, stage.heads, shapes, dtypes, spec.parameters));
    adopt(fuse_convolution(graph, stage.heads, shapes, dtypes, spec.parameters,
                           [this](const Node& node, const OpCall& call) {
                             plan.prepared_from_[node.name] = {&call.op,
                                                               node.parameters,
                                                               {call.in.begin(), call.in.end()},
                                                               {call.out.begin(), call.out.end()}};
                             return preferred(call);
                           }));
    if (spec.choices.flag("blocked_layouts", settings::current().blocked_layouts))
      adopt(choose_layouts(graph, stage.heads, shapes, dtypes));
    HoistedGraph hoisted = hoist(graph, stage.heads, shapes, dtypes, spec.parameters);
    if (hoisted.values.empty()) return;
    PlanSpec apart;
    apart.inputs = spec.inputs;
    apart.shapes = spec.shapes;
    apart.dtypes = spec.dtypes;
    apart.memory = spec.memory;
    apart.device = spec.device;
    apart.choices = spec.choices;
    PlanStage& prologue = apart.stages.emplace_back();
    for (size_t i = 0; i < hoisted.values.size(); ++i) {
      const int slot = slots + static_cast<int>(i), entry = graph.entry_id(hoisted.values[i]);
      prologue.heads.push_back(hoisted.values[i]);
      prologue.slots.push_back(slot);
      apart.shapes.push_back(Shape::unknown());
      apart.dtypes.push_back(DType::none);
      spec.inputs[hoisted.places[i].get()] = slot;
      spec.shapes.push_back(shapes[static_cast<size_t>(entry)]);
      spec.dtypes.push_back(dtypes[static_cast<size_t>(entry)]);
    }
    stage.heads = std::move(hoisted.heads);
    plan.hoisted_ =
        std::make_unique<HoistedValues>(std::make_unique<Plan>(std::move(apart)), slots);
  }

  // Constants that have their shape from their readers keep it when the readers are rewritten.
  void keep_constant_shapes(const IndexedGraph& graph, const std::vector<Entry>& heads,
                            const std::vector<Shape>& shapes) {
    as_given = heads;
    for (int n = 0; n < graph.node_count(); ++n)
      if (!graph.node(n)->is_variable() && graph.inputs(n).empty())
        constant_shape.emplace(graph.node(n), shapes[graph.first_entry(n)]);
  }

  // Every head needs memory of its own: a head that is a variable, or repeats an earlier one, is
  // copied.
  void separate_heads() {
    const OpInfo& copy = require_op("_copy");
    for (PlanStage& stage : spec.stages) {
      std::unordered_set<Entry> seen;
      for (size_t i = 0; i < stage.heads.size(); ++i) {
        Entry& head = stage.heads[i];
        if ((head.node->is_variable() && stage.slots[i] >= 0) || !seen.insert(head).second)
          head = Entry{make_node(copy, head.node->name + "_copy", {head}, Attributes{}), 0, 0};
      }
    }
  }

  int new_value(int slot, const Shape& shape, DType dtype) {
    MemoryProblem::Value value;
    value.bytes = shape.size() * size_of(dtype);
    value.external = slot >= 0;
    plan.problem_.values.push_back(value);
    slot_of.push_back(slot);
    shape_of.push_back(shape);
    dtype_of.push_back(dtype);
    return static_cast<int>(slot_of.size()) - 1;
  }

  int slot_value(int slot, const Shape& shape, DType dtype) {
    auto found = value_of_slot.find(slot);
    if (found != value_of_slot.end()) return found->second;
    int value = new_value(slot, shape, dtype);
    value_of_slot.emplace(slot, value);
    return value;
  }

  // What is known before inference: slots, carried values, and constants seen before.
  void seed(const IndexedGraph& graph, std::vector<Shape>& shapes, std::vector<DType>& dtypes) {
    shapes.assign(graph.entry_count(), Shape::unknown());
    dtypes.assign(graph.entry_count(), DType::none);
    for (int n = 0; n < graph.node_count(); ++n) {
      const Node* node = graph.node(n);
      const int entry = graph.first_entry(n);
      if (const auto constant = constant_shape.find(node); constant != constant_shape.end())
        shapes[entry] = constant->second;
      if (!node->is_variable()) continue;
      if (auto slot = spec.inputs.find(node); slot != spec.inputs.end()) {
        shapes[entry] = spec.shapes[slot->second];
        dtypes[entry] = spec.dtypes[slot->second];
      } else if (auto carried = spec.carried.find(node); carried != spec.carried.end()) {
        const int value = head_values[carried->second.first][carried->second.second];
        shapes[entry] = shape_of[value];
        dtypes[entry] = dtype_of[value];
      } else {
        fail(ErrorKind::Input, "variable '{}' is not bound", node->name);
      }
    }
  }

  void infer(const IndexedGraph& graph, std::vector<Shape>& shapes, std::vector<DType>& dtypes) {
    seed(graph, shapes, dtypes);
    infer_shapes(graph, shapes, spec.training);
    infer_types(graph, dtypes);
    for (int e = 0; e < graph.entry_count(); ++e) {
      GEMEL_CHECK(shapes[e].known(),
                  "the shape of '{}' could not be inferred, got {}; give the shapes of more inputs",
                  graph.node(graph.producer(e))->name, shapes[e]);
      if (dtypes[e] == DType::none) dtypes[e] = DType::float32;
    }
  }

  void build_stage(int stage_index) {
    PlanStage& source = spec.stages[stage_index];
    std::vector<Entry> heads = source.heads;
    std::vector<Shape> shapes;
    std::vector<DType> dtypes;
    IndexedGraph graph(heads);
    infer(graph, shapes, dtypes);
    const auto adopt = [&](std::vector<Entry> rewritten) {
      if (rewritten == heads) return;
      heads = std::move(rewritten);
      graph = IndexedGraph(heads);
      infer(graph, shapes, dtypes);
    };
    if (spec.fuse && capability(spec.device).arithmetic)
      adopt(fold_constants(graph, heads, shapes, dtypes, spec.training, run_beforehand));
    if (spec.fuse) adopt(fuse_pointwise(graph, heads, shapes, dtypes));
    if (!spec.training && spec.stages.size() == 1 && spec.memory == MemoryMode::both)
      adopt(slice_batch(graph, heads, shapes, dtypes, slice_options()));
    reserve(graph);

    std::vector<int> value_of(graph.entry_count(), -1);
    const std::vector<char> changed = changed_entries(graph);
    for (size_t h = 0; h < heads.size(); ++h)
      if (source.slots[h] >= 0) {
        const int entry = graph.entry_id(heads[h]);
        const int slot = source.slots[h];
        spec.shapes[slot] = shapes[entry];
        spec.dtypes[slot] = dtypes[entry];
        value_of[entry] = slot_value(slot, shapes[entry], dtypes[entry]);
      }

    auto stage = std::make_unique<Stage>();
    stage->first_step = static_cast<int>(plan.steps_.size());
    std::unordered_set<int> read_slots, written_slots;
    for (int n = 0; n < graph.node_count(); ++n) {
      const Node* node = graph.node(n);
      const int first = graph.first_entry(n);
      if (node->is_variable()) {
        auto slot = spec.inputs.find(node);
        if (slot != spec.inputs.end()) {
          value_of[first] = slot_value(slot->second, shapes[first], dtypes[first]);
          spec.shapes[slot->second] = shapes[first];
          spec.dtypes[slot->second] = dtypes[first];
          if (changed[first]) changed_slots.insert(slot->second);
        } else {
          auto [from, head] = spec.carried.at(node);
          value_of[first] = head_values[from][head];
        }
        continue;
      }
      for (int e = first; e < graph.first_entry(n + 1); ++e)
        if (changed[e] && value_of[e] < 0) {
          value_of[e] = new_value(-1, shapes[e], dtypes[e]);
          changed_values.insert(value_of[e]);
        }
      add_step(graph, n, value_of, shapes, dtypes, *stage, read_slots, written_slots);
    }
    stage->last_step = static_cast<int>(plan.steps_.size());
    std::erase_if(read_slots, [&](int slot) { return slot >= slots; });
    if (plan.hoisted_)
      read_slots.insert(plan.hoisted_->reads().begin(), plan.hoisted_->reads().end());
    for (int slot : written_slots) read_slots.erase(slot);
    stage->read_slots.assign(read_slots.begin(), read_slots.end());
    stage->written_slots.assign(written_slots.begin(), written_slots.end());
    std::sort(stage->read_slots.begin(), stage->read_slots.end());
    std::sort(stage->written_slots.begin(), stage->written_slots.end());
    plan.stages_.push_back(std::move(stage));

    head_values.emplace_back();
    for (const Entry& head : heads) {
      head_values.back().push_back(value_of[graph.entry_id(head)]);
      plan.keep_.push_back(head.node);
    }
  }

  // Room for a step of each node and a value of each entry more.
  void reserve(const IndexedGraph& graph) {
    const auto steps = plan.steps_.size() + static_cast<size_t>(graph.node_count());
    const auto values = slot_of.size() + static_cast<size_t>(graph.entry_count());
    plan.steps_.reserve(steps);
    plan.problem_.steps.reserve(steps);
    step_reads.reserve(steps);
    plan.problem_.values.reserve(values);
    slot_of.reserve(values);
    shape_of.reserve(values);
    dtype_of.reserve(values);
  }

  BatchSliceOptions slice_options() const {
    const int64_t budget = budget_or_setting(spec.budget);
    if (budget < 0) return {};
    return {.least_bytes = budget, .least_samples = 1, .least_slice = 1 << 20};
  }

  // Whether no kernel needs to run because the outputs lie in the memory of inputs: a reshape or a
  // part is free where it is internal and nothing mutates the memory it looks at.
  bool share_parts(const OpCall& call, const std::vector<int>& reads,
                   const std::vector<int>& writes, const std::unordered_set<int>& written_slots) {
    const OpInfo& info = call.op;
    std::vector<MemoryPart> parts;
    for (const auto& [in, out] : info.aliases_input) parts.push_back({in, out, 0});
    if (info.parts) parts = aligned(info.parts(call));
    size_t shared = 0;
    for (const MemoryPart& part : parts) {
      const int value = writes[part.output];
      if (slot_of[value] >= 0 || dtype_of[value] != dtype_of[reads[part.input]]) continue;
      const int root = root_of(reads[part.input]);
      if (slot_of[root] >= 0 && (written_slots.contains(slot_of[root]) ||
                                 (info.parts && changed_slots.contains(slot_of[root]))))
        continue;
      plan.problem_.values[value].alias_of = reads[part.input];
      plan.problem_.values[value].offset = part.offset;
      ++shared;
    }
    return shared == writes.size();
  }

  // Whether all inputs could be made parts of the output's memory, which their producers then
  // write.
  bool share_joined(const OpCall& call, const std::vector<int>& reads,
                    const std::vector<int>& writes) {
    if (!call.op.joins) return false;
    const std::vector<MemoryPart> parts = aligned(call.op.joins(call));
    size_t shared = 0;
    for (const MemoryPart& part : parts) {
      const int root = root_of(reads[part.input]), whole = writes[part.output];
      MemoryProblem::Value& value = plan.problem_.values[root];
      if (slot_of[root] >= 0 || value.alias_of >= 0 || root == root_of(whole) ||
          dtype_of[root] != dtype_of[whole] ||
          value.bytes != plan.problem_.values[reads[part.input]].bytes ||
          changed_values.contains(root))
        continue;
      value.alias_of = whole;
      value.offset = part.offset;
      ++shared;
    }
    return shared == reads.size();
  }

  // Shared memory keeps the alignment that kernels like.
  static std::vector<MemoryPart> aligned(std::vector<MemoryPart> parts) {
    std::erase_if(parts, [](const MemoryPart& part) { return part.offset % 64 != 0; });
    return parts;
  }

  // Entries that a node mutates.
  static std::vector<char> changed_entries(const IndexedGraph& graph) {
    std::vector<char> changed(graph.entry_count(), 0);
    for (int n = 0; n < graph.node_count(); ++n) {
      const Node* node = graph.node(n);
      if (node->is_variable()) continue;
      const auto& info = static_cast<const OpInfo&>(*node->op);
      const auto inputs = graph.inputs(n);
      for (int i : info.mutated_inputs(*node->parameters)) changed[inputs[i]] = 1;
      const size_t states = info.auxiliary_count(*node->parameters);
      for (size_t i = inputs.size() - states; i < inputs.size(); ++i) changed[inputs[i]] = 1;
    }
    return changed;
  }

  void add_step(const IndexedGraph& graph, int n, std::vector<int>& value_of,
                const std::vector<Shape>& shapes, const std::vector<DType>& dtypes, Stage& stage,
                std::unordered_set<int>& read_slots, std::unordered_set<int>& written_slots) {
    const Node* node = graph.node(n);
    const auto& info = static_cast<const OpInfo&>(*node->op);
    Step step;
    step.op = &info;
    stage.user_code |= runs_user_code(*node);
    step.parameters = node->parameters;
    step.name = node->name;
    std::vector<int> reads, writes;
    for (int entry : graph.inputs(n)) reads.push_back(value_of[entry]);
    const int first = graph.first_entry(n);
    for (int i = 0; i < node->output_count(); ++i) {
      int& value = value_of[first + i];
      if (value < 0) value = new_value(-1, shapes[first + i], dtypes[first + i]);
      writes.push_back(value);
    }

    std::vector<Tensor> tensors;
    for (const auto* values : {&reads, &writes})
      for (int value : *values)
        tensors.emplace_back(nullptr, shape_of[value], dtype_of[value], spec.device);
    const std::span<const Tensor> all = tensors;
    OpCall call{info, *step.parameters, all.first(reads.size()), all.subspan(reads.size()),
                spec.training};
    const bool joined = share_joined(call, reads, writes);
    const bool free_alias = joined || share_parts(call, reads, writes, written_slots);

    for (int value : reads)
      if (int slot = slot_of[root_of(value)]; slot >= 0) read_slots.insert(slot);
    for (int value : writes)
      if (int slot = slot_of[root_of(value)]; slot >= 0 && (joined || !free_alias))
        written_slots.insert(slot);
    for (int i : info.mutated_inputs(*step.parameters))
      if (int slot = slot_of[root_of(reads[i])]; slot >= 0) written_slots.insert(slot);

    // An input of which only the shape matters need not live: the planner does not see it.
    MemoryProblem::Step memory_step;
    std::vector<int> position(reads.size(), -1);  // in memory_step.reads
    for (size_t i = 0; i < reads.size(); ++i) {
      if (info.reads_only_shape(static_cast<int>(i))) continue;
      position[i] = static_cast<int>(memory_step.reads.size());
      memory_step.reads.push_back(reads[i]);
    }
    memory_step.writes = writes;

    if (!free_alias) {
      int64_t bytes = 0;
      for (const Tensor& tensor : tensors) bytes += tensor.bytes();
      step.single_thread = bytes <= single_thread_bytes &&
                           (!info.operations || info.operations(call) <= single_thread_operations);
      std::optional<kernels::SingleThread> alone;  // libraries fix their threads when they prepare
      if (step.single_thread) alone.emplace();
      try {
        step.implementation = &info.choose(call, preferred(call));
        if (step.implementation->prepare) {
          const ReproducibleSums sums(*step.implementation);
          step.prepared = step.implementation->prepare(call);
        }
        call.prepared = step.prepared.get();
        if (step.implementation->workspace)
          memory_step.workspace = step.implementation->workspace(call);
      } catch (const Error& error) {
        throw Error(error.kind(), fmt::format("node {}: {}", node->name, error.what()));
      }
      if (info.random) {
        step.random_offset = stage.random_count;
        stage.random_count += random_count(call);
        stage.random = true;
      }
      if (info.inplace_any || !info.inplace.empty())
        for (int in = 0; in < static_cast<int>(reads.size()); ++in)
          for (int out = 0; out < static_cast<int>(writes.size()); ++out) {
            if (position[in] < 0) continue;
            const bool alike = shape_of[reads[in]] == shape_of[writes[out]] &&
                               dtype_of[reads[in]] == dtype_of[writes[out]];
            if (info.allows_inplace(in, out) || (info.inplace_any && alike))
              memory_step.inplace.emplace_back(position[in], out);
          }
      step.first_tensor = static_cast<int>(plan.tensors_.size());
      step.inputs = static_cast<int>(reads.size());
      step.outputs = static_cast<int>(writes.size());
      stage.bytes += bytes;
      plan.tensors_.insert(plan.tensors_.end(), tensors.begin(), tensors.end());
    }
    step_reads.push_back(std::move(reads));
    plan.problem_.steps.push_back(std::move(memory_step));
    plan.steps_.push_back(std::move(step));
  }

  std::string_view preferred(const OpCall& call) const {
    if (spec.choices.kernels.empty() || call.op.implementations.size() < 2) return {};
    return spec.choices.kernel(record::call_signature(call));
  }

  // Steps whose results nobody reads, but for their shapes.
  void drop_unread_steps() {
    std::vector<char> needed(slot_of.size(), 0);
    for (size_t s = plan.steps_.size(); s-- > 0;) {
      Step& step = plan.steps_[s];
      MemoryProblem::Step& memory_step = plan.problem_.steps[s];
      bool unread = !memory_step.writes.empty() && !step.op->random && !step.op->runs_user_code &&
                    step.op->mutated_inputs(*step.parameters).empty();
      for (int value : memory_step.writes) {
        const int root = root_of(value);
        unread = unread && slot_of[root] < 0 && !needed[root];
      }
      if (unread) {
        step.implementation = nullptr;
        memory_step = {};
      }
      for (int value : memory_step.reads) needed[root_of(value)] = 1;
    }
  }

  int root_of(int value) const {
    while (plan.problem_.values[value].alias_of >= 0) value = plan.problem_.values[value].alias_of;
    return value;
  }

  void place() {
    for (size_t s = 0; s < plan.steps_.size(); ++s) {
      Step& step = plan.steps_[s];
      if (!step.implementation) continue;
      if (plan.problem_.steps[s].workspace > 0) step.workspace = plan.memory_.workspace_offset[s];
      int tensor = step.first_tensor;
      for (const auto* values : {&step_reads[s], &plan.problem_.steps[s].writes})
        for (int value : *values) {
          const int slot = slot_of[root_of(value)];
          if (slot < 0) {
            plan.patches_.push_back({tensor++, Patch::arena, plan.memory_.offset[value]});
            continue;
          }
          const int64_t offset = passes::offset_in_root(plan.problem_, value);
          if (slot >= slots)
            plan.patches_.push_back(
                {tensor++, Patch::hoisted, plan.hoisted_->offset(slot - slots) + offset});
          else
            plan.patches_.push_back({tensor++, slot, offset});
        }
    }
  }
};

int64_t budget_or_setting(int64_t given) {
  const std::string& limit = settings::current().memory_budget;
  return given < 0 && !limit.empty() ? parse_bytes(limit) : given;
}

void PlanSpec::plan_with(const record::Choices& given) {
  choices = given;
  fuse = given.flag("fusion", settings::current().fusion);
  memory = memory_mode_from_name(given.setting("memory_plan", settings::current().memory_plan));
}

Plan::Plan(PlanSpec spec)
    : training_(spec.training), device_(spec.device), threads_(chosen_threads(spec.choices)) {
  const kernels::ThreadLimit limit(threads_);
  const kernels::FpmathScope precision(
      kernels::fpmath_from_name(spec.choices.setting("fpmath", settings::current().fpmath)));
  Builder(std::move(spec), *this).build();
}
Plan::~Plan() = default;

}  // namespace gemel::runtime
