#include "runtime/autograd.h"

#include "common.h"

namespace gemel::python {
namespace {

// A `with` scope: what it sets (-1: leaves). Without state of its own, so one object serves all.
struct Scope {
  int recording, training;
};

struct Modes {
  bool recording, training;
};
thread_local std::vector<Modes> outer_modes;  // of the scopes that this thread is in

void enter(const Scope& scope) {
  outer_modes.push_back({runtime::is_recording(), runtime::is_training()});
  if (scope.recording >= 0) runtime::set_recording(scope.recording);
  if (scope.training >= 0) runtime::set_training(scope.training);
}

void leave(const Scope& scope, nb::handle, nb::handle, nb::handle) {
  if (outer_modes.empty()) return;
  const Modes outer = outer_modes.back();
  outer_modes.pop_back();
  if (scope.recording >= 0) runtime::set_recording(outer.recording);
  if (scope.training >= 0) runtime::set_training(outer.training);
}

}  // namespace

void bind_autograd(nb::module_& m) {
  m.def("autograd_set_recording", &runtime::set_recording);
  m.def("autograd_set_training", &runtime::set_training);
  m.def("autograd_is_recording", &runtime::is_recording);
  m.def("autograd_is_training", &runtime::is_training);
  nb::class_<Scope>(m, "AutogradScope")
      .def(
          "__init__",
          [](Scope* self, std::optional<bool> recording, std::optional<bool> training) {
            new (self) Scope{recording ? *recording : -1, training ? *training : -1};
          },
          nb::arg("recording").none(), nb::arg("training").none())
      .def("__enter__", &enter)
      .def("__exit__", &leave, nb::arg("type").none(), nb::arg("value").none(),
           nb::arg("trace").none());
  m.def(
      "autograd_backward_one",
      [](nb::handle head, nb::handle head_gradient, bool retain_graph, bool training) {
        const NDArray& array = require_array(head, "backward");
        if (head_gradient.is_none())
          return runtime::backward(std::span(&array, 1), {}, retain_graph, training);
        const NDArray& gradient = require_array(head_gradient, "backward");
        runtime::backward(std::span(&array, 1), std::span(&gradient, 1), retain_graph, training);
      },
      nb::arg("head"), nb::arg("head_gradient").none(), nb::arg("retain_graph"),
      nb::arg("train_mode"));
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
                                    const std::vector<bool>&, bool) {
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
