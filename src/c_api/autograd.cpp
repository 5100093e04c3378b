#include "runtime/autograd.h"

#include "c_api/objects.h"

namespace gemel::c_api {
namespace {

void run_backward(uint32_t count, void* const* heads, void* const* head_gradients, bool retain,
                  bool training) {
  const std::vector<NDArray> outputs = arrays_of(heads, count, "the outputs");
  const std::vector<NDArray> gradients =
      head_gradients ? optional_arrays(head_gradients, count) : std::vector<NDArray>();
  runtime::backward(outputs, gradients, retain, training);
}

}  // namespace
}  // namespace gemel::c_api

using namespace gemel;
using namespace gemel::c_api;

int MXAutogradIsRecording(bool* curr) {
  return call(__func__, [&] { *given(curr, "the answer") = runtime::is_recording(); });
}

int MXAutogradIsTraining(bool* curr) {
  return call(__func__, [&] { *given(curr, "the answer") = runtime::is_training(); });
}

int MXAutogradSetIsRecording(int is_recording, int* prev) {
  return call(__func__, [&] {
    const bool previous = runtime::set_recording(is_recording != 0);
    if (prev) *prev = previous;
  });
}

int MXAutogradSetIsTraining(int is_training, int* prev) {
  return call(__func__, [&] {
    const bool previous = runtime::set_training(is_training != 0);
    if (prev) *prev = previous;
  });
}

int MXAutogradMarkVariables(uint32_t num_var, NDArrayHandle* var_handles, uint32_t* reqs_array,
                            NDArrayHandle* grad_handles) {
  return call(__func__, [&] {
    if (num_var == 0) return;
    given(var_handles, "the variables");
    given(reqs_array, "the requests");
    given(grad_handles, "the gradients");
    for (uint32_t i = 0; i < num_var; ++i) {
      if (is_sparse(grad_handles[i]))
        note_storage_type(array_of(grad_handles[i]), sparse_of(grad_handles[i])->type());
      runtime::mark_variable(filled_array(var_handles[i]), filled_array(grad_handles[i]),
                             request_of(reqs_array[i]));
    }
  });
}

int MXAutogradComputeGradient(uint32_t num_output, NDArrayHandle* output_handles) {
  return call(__func__, [&] { run_backward(num_output, output_handles, nullptr, false, true); });
}

int MXAutogradBackward(uint32_t num_output, NDArrayHandle* output_handles,
                       NDArrayHandle* ograd_handles, int retain_graph) {
  return call(__func__, [&] {
    run_backward(num_output, output_handles, ograd_handles, retain_graph != 0, true);
  });
}

int MXAutogradBackwardEx(uint32_t num_output, NDArrayHandle* output_handles,
                         NDArrayHandle* ograd_handles, uint32_t num_variables,
                         NDArrayHandle* var_handles, int retain_graph, int create_graph,
                         int is_train, NDArrayHandle** grad_handles, int** grad_stypes) {
  return call(__func__, [&] {
    if (num_variables == 0) {
      GEMEL_CHECK(!create_graph, "[{}] expected variables with create_graph, got none",
                  current_function);
      return run_backward(num_output, output_handles, ograd_handles, retain_graph != 0,
                          is_train != 0);
    }
    const std::vector<NDArray> outputs = arrays_of(output_handles, num_output, "the outputs");
    const std::vector<NDArray> heads =
        ograd_handles ? optional_arrays(ograd_handles, num_output) : std::vector<NDArray>();
    const std::vector<NDArray> variables = arrays_of(var_handles, num_variables, "the variables");
    given(grad_handles, "the gradients");
    given(grad_stypes, "the gradients' storage types");
    const std::vector<NDArray> gradients = runtime::gradients(
        outputs, heads, variables, retain_graph != 0, create_graph != 0, is_train != 0);
    Returned& returned = Returned::fresh();
    *grad_handles = returned.numbers(new_handles(gradients));
    *grad_stypes = returned.numbers(std::vector<int>(gradients.size(), 0));
  });
}

int MXNDArrayGetGrad(NDArrayHandle handle, NDArrayHandle* out) {
  return call(__func__, [&] {
    *given(out, "the gradient") = handle_or_null(runtime::gradient_of(array_of(handle)));
  });
}

int MXNDArrayDetach(NDArrayHandle handle, NDArrayHandle* out) {
  return call(__func__, [&] {
    NDArray plain = array_of(handle);
    runtime::drop_history(plain);
    *given(out, "the result") = handle_like(handle, plain);
  });
}

// Whether backward has written the gradient since the flag was last cleared.
int MXNDArrayGetGradState(NDArrayHandle handle, int* out) {
  return call(__func__,
              [&] { *given(out, "the state") = runtime::is_gradient_fresh(array_of(handle)); });
}

int MXNDArraySetGradState(NDArrayHandle handle, int state) {
  return call(__func__, [&] { runtime::set_gradient_fresh(array_of(handle), state != 0); });
}

int MXAutogradGetSymbol(NDArrayHandle handle, SymbolHandle* out) {
  return call(__func__, [&] {
    given(out, "the result");
    *out = new_handle(runtime::recorded_symbol(array_of(handle)));
  });
}
