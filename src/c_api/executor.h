// The object behind an executor's handle.
#pragma once
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "c_api/objects.h"
#include "runtime/executor.h"

namespace gemel::c_api {

struct Monitor {
  ExecutorMonitorCallback callback = nullptr;
  void* state = nullptr;
  bool all = false;  // inputs too
};

struct ExecutorObject {
  std::shared_ptr<runtime::Executor> executor;
  Device device;
  Monitor monitor;
};
using Executors = Table<ExecutorObject, Kind::executor>;

using NamedShapes = std::vector<std::pair<std::string, Shape>>;

// A pass, and the monitor's report of it.
void run_forward(const ExecutorObject& object, bool training);

// The executor for other input shapes; arrays whose shape stays are shared.
std::shared_ptr<runtime::Executor> rebind(const ExecutorObject& object, const NamedShapes& shapes,
                                          bool partial_shaping, bool allow_up_sizing);

// Hands out the bound arrays as new handles, null where there is no gradient.
void give_bindings(const runtime::Executor& executor, uint32_t* num_in_args,
                   NDArrayHandle** in_args, NDArrayHandle** arg_grads, uint32_t* num_aux_states,
                   NDArrayHandle** aux_states, Returned& returned);

}  // namespace gemel::c_api
