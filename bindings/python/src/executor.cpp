// Executor and CachedOp.
#include "runtime/executor.h"

#include "base/byte_count.h"
#include "common.h"
#include "runtime/cached_op.h"
#include "runtime/monitor.h"
#include "runtime/plan.h"

namespace gemel::python {
namespace {

using runtime::Bindings;
using runtime::CachedOp;
using runtime::Executor;

GradRequest request_of(nb::handle text) {
  return grad_request_from_name(nb::cast<std::string>(text));
}

// Devices by the names of groups.
DeviceOfGroup groups_of(nb::dict groups) {
  DeviceOfGroup result;
  for (auto [key, value] : groups) result[nb::cast<std::string>(key)] = device_of(value);
  return result;
}

// (uses, steps); a use is (name, operator, bytes, offset, begin, end, stage, is workspace), and
// only those that lie in memory of the plan's own are told.
nb::tuple listed(
    const std::pair<std::vector<runtime::MemoryUse>, std::vector<std::string>>& memory) {
  nb::list rows;
  for (const runtime::MemoryUse& use : memory.first)
    if (use.offset >= 0)
      rows.append(nb::make_tuple(use.name, use.op, use.bytes, use.offset, use.begin, use.end,
                                 use.stage, use.workspace));
  return nb::make_tuple(rows, memory.second);
}

}  // namespace

void bind_executor(nb::module_& m) {
  nb::class_<Executor>(m, "Executor", nb::is_weak_referenceable())
      .def("_forward", [](Executor& e, bool training) { e.forward(training); })
      .def(
          "_backward",
          [](Executor& e, nb::handle heads) { e.backward(arrays_of(heads, "backward")); },
          nb::arg("heads").none())
      .def(
          "forward_backward", [](Executor& e) { e.forward_backward(); },
          "forward(is_train=True) and backward() as one task.")
      .def("_arguments",
           [](const Executor& e) { return wrap_all(std::vector<NDArray>(e.bindings().arguments)); })
      .def("_auxiliary_states",
           [](const Executor& e) {
             return wrap_all(std::vector<NDArray>(e.bindings().auxiliary_states));
           })
      .def("_set_monitored", &Executor::set_monitored)
      .def("_monitored",
           [](const Executor& e, bool all) {
             nb::list rows;
             for (const auto& [name, value] : runtime::monitored_values(e, all))
               rows.append(nb::make_tuple(name, wrap(value)));
             return rows;
           })
      .def("_monitored_gradients",
           [](const Executor& e) {
             nb::list rows;
             for (const auto& [name, value] : e.monitored_gradients())
               rows.append(nb::make_tuple(name, wrap(value)));
             return rows;
           })
      .def("_outputs",
           [](const Executor& e) { return wrap_all(std::vector<NDArray>(e.outputs())); })
      .def("_gradients",
           [](const Executor& e) {
             nb::list list;
             for (const NDArray& gradient : e.bindings().gradients)
               list.append(gradient ? wrap(gradient) : nb::none());
             return list;
           })
      .def("_requests",
           [](const Executor& e) {
             std::vector<std::string> names;
             for (GradRequest request : e.bindings().requests) names.emplace_back(name_of(request));
             return names;
           })
      .def(
          "memory_plan",
          [](const Executor& e) {
            nb::dict d;
            for (auto [mode, bytes] : e.memory_plan())
              d[std::string(name_of(mode)).c_str()] = bytes;
            return d;
          },
          "Bytes of internal arrays in the modes naive, inplace, coshare and both, before anything "
          "runs.")
      .def("memory_of_width", &Executor::memory_of_width)
      .def("_memory_uses", [](const Executor& e) { return listed(e.memory_uses()); })
      .def("fit_memory",
           [](Executor& e, nb::handle budget) {
             const int64_t bytes = nb::isinstance<nb::str>(budget)
                                       ? parse_bytes(nb::cast<std::string>(budget))
                                       : nb::cast<int64_t>(budget);
             return e.fit_memory(bytes);
           })
      .def(
          "memory_timeline",
          [](const Executor& e, const std::string& mode) {
            return e.memory_timeline(memory_mode_from_name(mode));
          },
          nb::arg("mode") = "both", "(step, live bytes) for every step of the plan.")
      .def("debug_str", [](const Executor& e) { return e.debug_string(); });

  m.def(
      "simple_bind",
      [](const Symbol& symbol, nb::handle context, nb::dict shapes, nb::dict dtypes,
         nb::list requests, nb::dict groups, nb::list shared_names,
         std::shared_ptr<Executor> shared, nb::handle buffer) {
        runtime::BindRequest request;
        request.device = device_of(context);
        for (auto [key, value] : shapes)
          request.shapes.emplace_back(nb::cast<std::string>(key), shape_of(value));
        for (auto [key, value] : dtypes)
          request.dtypes.emplace_back(nb::cast<std::string>(key), dtype_of(value));
        for (nb::handle one : requests) request.requests.push_back(request_of(one));
        request.groups = groups_of(groups);
        for (nb::handle name : shared_names)
          request.shared_names.push_back(nb::cast<std::string>(name));
        request.shared = shared.get();
        request.use_buffer = !buffer.is_none();
        if (request.use_buffer)
          for (auto [key, value] : nb::cast<nb::dict>(buffer))
            request.buffer.emplace_back(nb::cast<std::string>(key),
                                        require_array(value, "simple_bind"));
        const auto executor = Executor::simple_bind(symbol, request);
        // The buffer's own objects stay where their memory did.
        if (request.use_buffer) {
          nb::dict target = nb::cast<nb::dict>(buffer);
          for (const auto& [name, array] : request.buffer) {
            const bool kept = target.contains(name.c_str()) &&
                              array_of(target[name.c_str()]).storage() == array.storage();
            if (!kept) target[name.c_str()] = wrap(array);
          }
        }
        return executor;
      },
      nb::arg("symbol"), nb::arg("ctx").none(), nb::arg("shapes"), nb::arg("dtypes"),
      nb::arg("requests"), nb::arg("groups"), nb::arg("shared_names"), nb::arg("shared").none(),
      nb::arg("buffer").none());

  m.def(
      "bind",
      [](const Symbol& symbol, nb::handle context, nb::list arguments, nb::list gradients,
         nb::list requests, nb::list auxiliary, nb::dict groups, std::shared_ptr<Executor> shared) {
        Bindings bindings;
        bindings.arguments = arrays_of(arguments, "bind");
        bindings.gradients = arrays_of(gradients, "bind");
        for (nb::handle request : requests) bindings.requests.push_back(request_of(request));
        bindings.auxiliary_states = arrays_of(auxiliary, "bind");
        return std::make_shared<Executor>(symbol, std::move(bindings), device_of(context),
                                          groups_of(groups), shared.get());
      },
      nb::arg("symbol"), nb::arg("ctx").none(), nb::arg("arguments"), nb::arg("gradients"),
      nb::arg("requests"), nb::arg("auxiliary"), nb::arg("groups"), nb::arg("shared").none());

  nb::class_<CachedOp>(m, "CachedOp", nb::is_weak_referenceable())
      .def("_memory_uses", [](const CachedOp& op) { return listed(op.memory_uses()); })
      .def(
          "__init__",
          [](CachedOp* self, const Symbol& symbol, nb::handle) { new (self) CachedOp(symbol); },
          nb::arg("symbol"), nb::arg("flags") = nb::none())
      .def(
          "__call__",
          [](CachedOp& op, nb::args inputs) {
            std::vector<NDArray> arrays;
            arrays.reserve(inputs.size());
            for (nb::handle input : inputs) arrays.push_back(require_array(input, "cached op"));
            return wrap_all(op(arrays));
          },
          "Calls the graph on arrays in list_inputs() order; returns the list of outputs.");
}

}  // namespace gemel::python
