// Calls that are held back together: pointwise operator calls of one output shape and one type of
// computation, in order, and the memory that they use. Pushed, they run as one pass over memory.
//
// A handle names memory, not a value: within the group every piece of memory that is written has
// a latest value, which later calls read. What is written must be a whole storage, and while it is
// in the group all uses of it must be that same view.
#pragma once
#include <memory>
#include <span>
#include <vector>

#include "array/ndarray.h"
#include "op/op_info.h"
#include "pointwise/operator.h"

namespace gemel::runtime {

// What a group of calls computes, compiled.
struct FusedProgram {
  std::shared_ptr<const pointwise::Program> program;
  const char* name;
};

// One pointwise call, checked and inferred; `out` have storage, promised or real.
struct HeldCall {
  const OpInfo& op;
  const ParametersRef& parameters;
  std::span<const NDArray> in, out;
  DType compute;
};

class HeldCalls {
 public:
  static constexpr size_t most_calls = 32, most_views = 16, most_values = 64;

  HeldCalls(const Shape& shape, DType compute, Device device)
      : shape_(shape), compute_(compute), device_(device) {}
  HeldCalls(const HeldCalls&) = delete;

  // Whether the call may join without being pushed apart.
  bool accepts(const HeldCall& call) const;
  // A storage of the call that calls held back elsewhere use in a way that must come first; or
  // null.
  const Storage* used_elsewhere(const HeldCall& call) const;
  void add(const HeldCall& call);
  bool uses(const Storage& storage) const { return find(storage) >= 0; }

  // Gives memory to every result that somebody can still see. False: nobody sees any.
  bool provide();
  // Everything that the compiled form depends on, as bytes.
  std::string key() const;
  FusedProgram compile() const;  // throws Error(Input) where it is too large for one program

  // Runs the program, or pushes it. `fused` may be null: then the calls run one by one.
  static void push(const std::shared_ptr<HeldCalls>& calls, const FusedProgram* fused);
  void let_go();  // the storages know no more of these calls

 private:
  struct Memory {
    Ref<Storage> storage;
    bool promised = false;
    bool written = false;
    bool live = true;      // after provide(): whether it has memory
    int value = -1;        // the latest that was computed here; -1: as it was before the calls
    uint32_t held = 0;     // what the storage counts for this group
    NDArray scratch = {};  // when calls run one by one: in place of memory that nobody sees
  };
  struct Call {
    const OpInfo* op;
    const pointwise::Definition* definition;
    ParametersRef parameters;
    int first_operand, operands, first_value, values;
  };
  struct Value {
    int memory;
    DType dtype;
  };

  int find(const Storage& storage) const;
  int memory_of(const NDArray& array, bool promised);
  void hold(Memory& memory, uint32_t use);
  bool same_view(int view, const NDArray& array) const;
  int operand(const NDArray& array);
  Tensor memory_tensor(int memory, DType dtype);
  void run_whole(const pointwise::Program& program);
  void run_call(size_t index);

  Shape shape_;
  DType compute_;
  Device device_;
  std::vector<Memory> memories_;
  std::vector<Call> calls_;
  std::vector<int> operands_;  // a value, or ~view
  std::vector<Value> values_;
  std::vector<NDArray> views_;  // read as they were before the calls
  std::vector<int> memory_of_view_;
  std::vector<double> scalars_;
  bool complete_ = true;  // all memory that provide() wanted is there
};

}  // namespace gemel::runtime
