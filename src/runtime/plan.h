// Plan: a graph made ready to run: ordered steps with chosen and prepared kernels, and one memory
// plan over all of them. Executors, cached ops and their backward passes are Plans.
//
// A Plan has one or more stages that run in order (forward, backward). It owns no user's memory:
// external values live in numbered slots, given as arrays at every run. Internal values live in one
// arena; a value computed by one stage and read by a later one is carried there.
#pragma once
#include <atomic>
#include <memory>
#include <span>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "array/ndarray.h"
#include "graph/node.h"
#include "op/op_info.h"
#include "passes/parameters.h"
#include "passes/plan_memory.h"
#include "record/choices.h"

namespace gemel::runtime {

class HoistedValues;

struct PlanStage {
  std::vector<Entry> heads;
  std::vector<int> slots;  // per head: the slot it is written to; -1: carried to later stages
};

struct PlanSpec {
  std::vector<PlanStage> stages;
  std::unordered_map<const Node*, int> inputs;  // variable -> slot
  std::unordered_map<const Node*, std::pair<int, int>>
      carried;                // placeholder variable -> (stage, head)
  std::vector<Shape> shapes;  // of slots; unknown ones are filled
  std::vector<DType> dtypes;
  bool training = false;
  bool fuse = true;
  MemoryMode memory = MemoryMode::both;
  int64_t budget = -1;  // bytes that inference shall take, in slices of the batch; -1: no matter
  Device device;
  // For inference in one stage: variables whose values seldom change. What depends on them alone is
  // kept from one run to the next.
  passes::ParameterSet parameters;
  record::Choices choices;  // those that plan_with() took; kernels among them

  // Fills in fuse and memory as the settings say, or as `choices` say otherwise.
  void plan_with(const record::Choices& choices);
};

// Bytes that a graph shall take: `given`, or else what the setting memory_budget says; -1: no
// matter.
int64_t budget_or_setting(int64_t given = -1);

// A value, or a kernel's workspace, and the memory that it has from one step to another.
struct MemoryUse {
  std::string name, op;  // of the step that makes it; a slot that is only read has none
  int64_t bytes = 0;
  int64_t offset = 0;  // in the arena; -1: in a slot
  int slot = -1;
  int begin = 0, end = 0;  // the first and the last step that touch it
  int stage = 0;           // of the last one
  bool workspace = false;
};

class Plan {
 public:
  // Infers, fuses, plans memory, chooses and prepares kernels. Throws Error(Input, Type).
  explicit Plan(PlanSpec spec);
  ~Plan();

  // Pushes the stages [first, last) as one task. `slots` has an array per slot that these stages
  // use. Runs of one plan, and of one arena, exclude each other.
  // Gives the random numbers that the run draws from.
  RandomStream run(std::span<const NDArray> slots, int first, int last, const Ref<Storage>& arena);

  // The same at once, on the calling thread, which must own all arrays and the arena.
  void run_here(std::span<const NDArray> slots, int first, int last, Storage& arena,
                RandomStream random) {
    run_stages(slots, first, last, arena, random);
  }
  // Random numbers that these stages draw.
  uint64_t draws(int first, int last) const;
  // Where in the stream of a run of the first stage each random step begins, by the node's name.
  std::unordered_map<std::string, uint64_t> random_offsets() const;

  const std::vector<Shape>& shapes() const { return shapes_; }
  const std::vector<DType>& dtypes() const { return dtypes_; }
  Device device() const { return device_; }
  engine::Tag& turn() const { return *turn_; }  // every queued run writes it
  // Slots that a stage reads and does not write.
  const std::vector<int>& reads(int stage) const { return stages_[stage]->read_slots; }
  int64_t arena_bytes() const { return memory_.bytes; }
  int64_t hoisted_bytes() const;  // kept between runs, beside the arena
  // Bytes of the internal arrays in any mode; kernels' workspace, which the arena has too, is apart
  // (1.9.1 tells it apart as well).
  int64_t planned_bytes(MemoryMode mode) const {
    return plan_memory(internal_arrays(), mode).bytes;
  }
  std::vector<std::pair<MemoryMode, int64_t>> planned_bytes_by_mode() const;
  // The plan by which `width` chains of steps could run at once.
  MemoryPlan planned_for(int width) const {
    return plan_memory(internal_arrays(), MemoryMode::both, width);
  }
  // Bytes of live internal arrays during each step and the step's name.
  std::vector<std::pair<std::string, int64_t>> timeline(MemoryMode mode) const;
  // Who has which bytes when, in the order of the steps that make them. Values that share an
  // address from the start (reshapes) count once.
  std::vector<MemoryUse> memory_uses() const;
  std::vector<std::string> step_names() const;
  std::string debug_string() const;

  // A step as the tuner sees it.
  struct StepChoice {
    std::string signature, implementation;
    std::vector<std::string> alternatives;  // other implementations that take the call
  };
  GEMEL_EXPORT std::vector<StepChoice> step_choices() const;
  // From now on runs write how long each step took, as many numbers as step_choices() has rows;
  // null: no longer. Not while the plan runs.
  void time_steps(std::vector<int64_t>* nanoseconds) { step_times_ = nanoseconds; }

 private:
  MemoryProblem internal_arrays() const;  // the problem without workspaces

  struct Step {
    const OpInfo* op;
    ParametersRef parameters;
    std::string name;
    const char* trace_name = nullptr;                // made when a run is traced
    const Implementation* implementation = nullptr;  // null: outputs alias inputs, nothing runs
    std::unique_ptr<Prepared> prepared;
    int first_tensor = 0, inputs = 0, outputs = 0;  // in tensors_
    int64_t workspace = -1;                         // offset in the arena
    uint64_t random_offset = 0;
    bool single_thread = false;  // too small for a second thread to pay
  };
  struct Patch {  // a tensor whose address depends on the run
    int tensor;
    int slot;  // or one of these:
    static constexpr int arena = -1, hoisted = -2;
    int64_t offset;
  };
  struct Stage {
    int first_step = 0, last_step = 0;
    std::vector<int> read_slots, written_slots;
    uint64_t random_count = 0;
    bool random = false;
    bool user_code = false;
    std::atomic<int64_t> last_nanoseconds{-1};
    int64_t bytes = 0;
  };
  struct Builder;

  void run_stages(std::span<const NDArray> slots, int first, int last, Storage& arena,
                  RandomStream random);

  std::vector<Shape> shapes_;
  std::vector<DType> dtypes_;
  bool training_ = false;
  Device device_;
  Ref<engine::Tag> turn_ = engine::make_tag("plan");  // a run writes addresses into tensors_
  int threads_;                                       // inside operators, at most
  std::vector<int64_t>* step_times_ = nullptr;
  std::vector<Step> steps_;
  std::vector<Tensor> tensors_;
  std::vector<Patch> patches_;
  std::vector<std::unique_ptr<Stage>> stages_;
  MemoryProblem problem_;
  std::vector<int> slots_;  // of the problem's values; -1: in the arena
  MemoryMode memory_mode_ = MemoryMode::both;
  MemoryPlan memory_;
  std::unique_ptr<HoistedValues> hoisted_;  // null: nothing is
  // Convolutions that were prepared, by the names of their steps: the tuner sees the plain calls.
  struct PlainCall {
    const OpInfo* op;
    ParametersRef parameters;
    std::vector<Tensor> in, out;
  };
  std::unordered_map<std::string, PlainCall> prepared_from_;
  std::vector<NodeRef> keep_;  // nodes whose parameters the steps point into
};

}  // namespace gemel::runtime
