// Executor: a symbol bound to arrays. One Plan for inference and one for training (forward and
// backward stages with one memory plan), made on first use, sharing one arena.
#pragma once
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "array/ndarray.h"
#include "graph/symbol.h"
#include "passes/place_devices.h"
#include "passes/plan_memory.h"
#include "record/choices.h"
#include "runtime/grad_request.h"

namespace gemel::runtime {

class Executor;
class Plan;
struct MemoryUse;

struct Bindings {
  std::vector<NDArray> arguments;         // in list_arguments() order
  std::vector<NDArray> gradients;         // beside arguments; empty where the request is null
  std::vector<GradRequest> requests;      // beside arguments
  std::vector<NDArray> auxiliary_states;  // in list_auxiliary_states() order
};

// What simple_bind is told.
struct BindRequest {
  Device device;
  std::vector<std::pair<std::string, Shape>> shapes;
  std::vector<std::pair<std::string, DType>> dtypes;
  std::vector<GradRequest> requests;  // beside list_arguments()
  DeviceOfGroup groups;
  std::map<std::string, NDArray> values;  // inputs that exist already
  // The memory of `shared` serves for internal values. Arguments named here, with their gradients,
  // and (with names or a buffer) all auxiliary states are its own, as far as it has them.
  std::vector<std::string> shared_names;
  const Executor* shared = nullptr;
  // Other arguments and gradients ("grad of NAME") are parts of the arrays here, where these are
  // large enough; what is made anew is put there.
  bool use_buffer = false;
  std::vector<std::pair<std::string, NDArray>> buffer;
};

class GEMEL_EXPORT Executor {
 public:
  // Checks shapes and dtypes of all arrays against inference; throws Error(Input). Nodes of
  // `groups` run on their group's device. Internal values lie in the memory of `shared`, where one
  // is given: the two may run in any order, but it pays when they take turns.
  // The record of the tuner says how the graph is run, unless `choices` are given.
  Executor(Symbol symbol, Bindings bindings, Device device = {}, const DeviceOfGroup& groups = {},
           const Executor* shared = nullptr, const record::Choices* choices = nullptr);
  ~Executor();
  // Infers, then shares or allocates every array (new ones are zero-filled).
  static std::shared_ptr<Executor> simple_bind(const Symbol& symbol, BindRequest& request);
  static std::shared_ptr<Executor> simple_bind(
      const Symbol& symbol, Device device, const std::vector<std::pair<std::string, Shape>>& shapes,
      const std::vector<std::pair<std::string, DType>>& dtypes,
      const std::vector<std::pair<std::string, GradRequest>>& requests,
      GradRequest default_request);

  void forward(bool training);
  // Head gradients per output; an empty vector or an empty array means ones (loss outputs ignore
  // it). After forward(false) the gradient of what inference computes; without a forward pass, one
  // runs first.
  void backward(const std::vector<NDArray>& head_gradients = {});
  void forward_backward();  // forward(true); backward(), as one task

  // While it is on, every run keeps what the operators computed, for monitored().
  void set_monitored(bool on);
  // Every operator's visible outputs in the last run, in the order of computing.
  std::vector<std::pair<Entry, NDArray>> monitored() const;
  // What every operator passed on to its inputs in the last backward pass: names as 1.9.1's
  // ("fc_backward_output1"), the last operator first.
  std::vector<std::pair<std::string, NDArray>> monitored_gradients() const;

  const Symbol& symbol() const { return symbol_; }
  const Bindings& bindings() const { return bindings_; }
  const std::vector<NDArray>& outputs() const { return outputs_; }
  // Bytes of internal arrays (without workspace) in every mode, for training where gradients are
  // asked, else inference.
  std::vector<std::pair<MemoryMode, int64_t>> memory_plan() const;
  // Bytes of internal arrays if `width` chains of steps may run at once, and the longest chain's
  // share of what all steps touch (1 for a width of 1).
  std::pair<int64_t, double> memory_of_width(int width) const;
  // Live bytes during each step, with the step's name, in one mode.
  std::vector<std::pair<std::string, int64_t>> memory_timeline(MemoryMode mode) const;
  // Under which the record keeps what was fastest; `settings`: values that differ from those in
  // force.
  std::string key(bool training,
                  const std::vector<std::pair<std::string, std::string>>& settings = {}) const;
  const record::Choices& choices(bool training) const;
  // Plans anew, after what is queued has run.
  void set_choices(bool training, record::Choices choices);
  Device device() const { return device_; }
  // Made on first use; stays until the executor plans anew.
  Plan& plan(bool training) const;
  // Plans training anew so that its internal arrays, workspace among them, take no more than
  // `bytes`: what has to be computed again in the backward pass is chosen with the least work.
  // Without gradients, inference runs in slices of the batch. Returns that work as a share of the
  // forward pass. Throws Error(Input) that tells the least that
  // can be reached, and changes nothing then.
  double fit_memory(int64_t bytes);
  // Who has which of the arena's bytes during which steps, and the steps' names.
  std::pair<std::vector<MemoryUse>, std::vector<std::string>> memory_uses() const;
  std::string debug_string() const;  // steps with kernels and memory, "Total x MB allocated"

 private:
  void set_head_gradients(const std::vector<NDArray>& given);
  Symbol symbol_;
  Bindings bindings_;
  Device device_;
  std::vector<NDArray> outputs_;
  void make_backward();
  double fit_training(int64_t bytes);
  double fit_inference(int64_t bytes);

  struct State;
  std::unique_ptr<State> state_;
};

// Executor::memory_plan() of the forward pass, from shapes of inputs, before anything is bound.
GEMEL_EXPORT std::vector<std::pair<MemoryMode, int64_t>> memory_plan(
    const Symbol& symbol, const std::vector<std::pair<std::string, Shape>>& shapes);

}  // namespace gemel::runtime
