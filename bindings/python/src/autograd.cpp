#include "runtime/autograd.h"

#include "common.h"

namespace gemel::python {

void bind_autograd(nb::module_& m) {
  m.def("autograd_set_recording", &runtime::set_recording);
  m.def("autograd_set_training", &runtime::set_training);
  m.def("autograd_is_recording", &runtime::is_recording);
  m.def("autograd_is_training", &runtime::is_training);
  m.def("autograd_mark_variables", [](nb::list variables, nb::list gradients,
                                      const std::vector<std::string>& requests) {
    GEMEL_CHECK(
        variables.size() == gradients.size() && variables.size() == requests.size(),
        "[mark_variables] expected as many gradients and requests as variables ({}), got {} and {}",
        variables.size(), gradients.size(), requests.size());
    for (size_t i = 0; i < variables.size(); ++i)
      runtime::mark_variable(require_array(variables[i], "mark_variables"),
                             require_array(gradients[i], "mark_variables"),
                             grad_request_from_name(requests[i]));
  });
  m.def(
      "autograd_backward",
      [](nb::handle heads, nb::handle head_gradients, bool retain_graph, bool training) {
        runtime::backward(arrays_of(heads, "backward"), arrays_of(head_gradients, "backward"),
                          retain_graph, training);
      },
      nb::arg("heads"), nb::arg("head_gradients").none(), nb::arg("retain_graph") = false,
      nb::arg("train_mode") = true);
  m.def(
      "autograd_grad",
      [](nb::handle heads, nb::handle variables, nb::handle head_gradients, bool retain_graph,
         bool create_graph, bool training) {
        return wrap_all(
            runtime::gradients(arrays_of(heads, "grad"), arrays_of(head_gradients, "grad"),
                               arrays_of(variables, "grad"), retain_graph, create_graph, training));
      },
      nb::arg("heads"), nb::arg("variables"), nb::arg("head_gradients").none(),
      nb::arg("retain_graph"), nb::arg("create_graph"), nb::arg("train_mode"));
  m.def("autograd_symbol", [](nb::handle array) {
    return runtime::recorded_symbol(require_array(array, "get_symbol"));
  });
  m.def("autograd_record_function", [](const std::string& name, nb::list inputs, nb::list outputs,
                                       nb::callable backward) {
    std::shared_ptr<nb::object> held = shared_object(backward);
    std::vector<NDArray> in = arrays_of(inputs, name.c_str()),
                         out = arrays_of(outputs, name.c_str());
    if (!runtime::needs_record(in)) return;
    runtime::record_function(engine::intern_name(name), in, out,
                             [held](std::span<const NDArray> heads, std::span<NDArray> gradients,
                                    const std::vector<bool>&) {
                               nb::gil_scoped_acquire gil;
                               nb::list arguments;
                               for (const NDArray& head : heads)
                                 arguments.append(head ? wrap(head) : nb::none());
                               nb::list results = nb::cast<nb::list>((*held)(arguments));
                               for (size_t i = 0; i < gradients.size() && i < results.size(); ++i) {
                                 if (results[i].is_none()) continue;
                                 NDArray& value = require_array(results[i], "Function.backward");
                                 if (gradients[i])
                                   value.copy_to(gradients[i]);
                                 else
                                   gradients[i] = value;
                               }
                             });
    for (size_t i = 0; i < out.size(); ++i) array_of(outputs[i]).set_history(out[i].history());
  });
}

}  // namespace gemel::python
