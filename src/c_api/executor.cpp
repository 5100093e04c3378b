// Executor: running, outputs, printing, monitors.
#include "c_api/executor.h"

#include "runtime/monitor.h"

namespace gemel::c_api {
namespace {

void report(const Monitor& monitor, const std::vector<std::pair<std::string, NDArray>>& monitored) {
  for (const auto& [name, value] : monitored)
    monitor.callback(name.c_str(), new_handle(value), monitor.state);
}

void run_backward_pass(ExecutorHandle handle, uint32_t len, NDArrayHandle* head_grads) {
  const ExecutorObject object = Executors::instance().get(handle);  // the callback may free it
  object.executor->backward(
      optional_arrays(len ? given(head_grads, "the head gradients") : head_grads, len));
  if (object.monitor.callback) report(object.monitor, object.executor->monitored_gradients());
}

}  // namespace

void set_monitor(ExecutorObject& object, const Monitor& monitor) {
  object.executor->set_monitored(monitor.callback != nullptr);
  object.monitor = monitor;
}

void run_forward(const ExecutorObject& object, bool training) {
  object.executor->forward(training);
  if (object.monitor.callback)
    report(object.monitor, runtime::monitored_values(*object.executor, object.monitor.all));
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
  return call(__func__, [&] {
    set_monitor(Executors::instance().get(handle), {callback, callback_handle, false});
  });
}

int MXExecutorSetMonitorCallbackEX(ExecutorHandle handle, ExecutorMonitorCallback callback,
                                   void* callback_handle, bool monitor_all) {
  return call(__func__, [&] {
    set_monitor(Executors::instance().get(handle), {callback, callback_handle, monitor_all});
  });
}
