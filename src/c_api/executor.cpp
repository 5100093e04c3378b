// Executor: running, outputs, printing, monitors.
#include "c_api/executor.h"

namespace gemel::c_api {
namespace {

// Reports every operator's outputs, from a second run of the pass that computes them all.
void report_internals(const ExecutorObject& object, bool training) {
  const Symbol internals = object.executor->symbol().internals();
  runtime::Bindings bindings;
  bindings.arguments = object.executor->bindings().arguments;
  for (const NDArray& state : object.executor->bindings().auxiliary_states)
    bindings.auxiliary_states.push_back(state.copy());  // this run must not update them again
  runtime::Executor run(internals, std::move(bindings), object.device);
  run.forward(training);
  const auto names = internals.list_outputs();
  for (size_t i = 0; i < names.size(); ++i)
    if (object.monitor.all || !internals.outputs[i].node->is_variable())
      object.monitor.callback(names[i].c_str(), new_handle(run.outputs()[i]), object.monitor.state);
}

void run_backward_pass(ExecutorHandle handle, uint32_t len, NDArrayHandle* head_grads) {
  const std::shared_ptr<runtime::Executor> executor = Executors::instance().get(handle).executor;
  executor->backward(
      optional_arrays(len ? given(head_grads, "the head gradients") : head_grads, len));
}

void set_monitor(ExecutorHandle handle, ExecutorMonitorCallback callback, void* state, bool all) {
  Executors::instance().get(handle).monitor = {callback, state, all};
}

}  // namespace

void run_forward(const ExecutorObject& object, bool training) {
  object.executor->forward(training);
  if (object.monitor.callback) report_internals(object, training);
}

}  // namespace gemel::c_api

using namespace gemel;
using namespace gemel::c_api;

int MXExecutorFree(ExecutorHandle handle) {
  return call(__func__, [&] {
    if (handle) Executors::instance().free(handle);
  });
}

int MXExecutorForward(ExecutorHandle handle, int is_train) {
  return call(__func__, [&] {
    const ExecutorObject object = Executors::instance().get(handle);  // the callback may free it
    run_forward(object, is_train != 0);
  });
}

int MXExecutorBackward(ExecutorHandle handle, uint32_t len, NDArrayHandle* head_grads) {
  return call(__func__, [&] { run_backward_pass(handle, len, head_grads); });
}

int MXExecutorBackwardEx(ExecutorHandle handle, uint32_t len, NDArrayHandle* head_grads, int) {
  return call(__func__, [&] { run_backward_pass(handle, len, head_grads); });
}

int MXExecutorOutputs(ExecutorHandle handle, uint32_t* out_size, NDArrayHandle** out) {
  return call(__func__, [&] {
    const std::vector<NDArray>& outputs = Executors::instance().get(handle).executor->outputs();
    *given(out_size, "the number of outputs") = static_cast<uint32_t>(outputs.size());
    *given(out, "the outputs") = Returned::fresh().numbers(new_handles(outputs));
  });
}

int MXExecutorPrint(ExecutorHandle handle, const char** out_str) {
  return call(__func__, [&] {
    *given(out_str, "the text") =
        Returned::fresh().text(Executors::instance().get(handle).executor->debug_string());
  });
}

int MXExecutorGetOptimizedSymbol(ExecutorHandle handle, SymbolHandle* out) {
  return call(__func__, [&] {
    *given(out, "the result") =
        new_handle(Executors::instance().get(handle).executor->symbol().copy());
  });
}

int MXExecutorSetMonitorCallback(ExecutorHandle handle, ExecutorMonitorCallback callback,
                                 void* callback_handle) {
  return call(__func__, [&] { set_monitor(handle, callback, callback_handle, false); });
}

int MXExecutorSetMonitorCallbackEX(ExecutorHandle handle, ExecutorMonitorCallback callback,
                                   void* callback_handle, bool monitor_all) {
  return call(__func__, [&] { set_monitor(handle, callback, callback_handle, monitor_all); });
}
