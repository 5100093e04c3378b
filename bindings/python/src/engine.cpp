// mx.engine: user functions as tasks, tags, traces; waiting for everything.
#include "engine/engine.h"

#include "common.h"
#include "engine/bulk.h"
#include "engine/trace.h"

namespace gemel::python {
namespace {

// A tag of the user's own.
struct UserTag {
  Ref<engine::Tag> tag;
};

struct UserCancellation {
  Ref<engine::Cancellation> request;
};

// What keeps the tags alive until the task is done.
struct Held {
  std::vector<Ref<engine::Tag>> tags;
  std::vector<NDArray> arrays;
};

void collect(nb::handle sequence, Held& held, std::vector<engine::Tag*>& tags) {
  for (nb::handle item : sequence) {
    if (is_array(item)) {
      held.arrays.push_back(with_memory(array_of(item)));
      tags.push_back(&held.arrays.back().tag());
    } else if (nb::isinstance<UserTag>(item)) {
      held.tags.push_back(nb::cast<const UserTag&>(item).tag);
      tags.push_back(held.tags.back().get());
    } else {
      fail(ErrorKind::Type, "[engine.push] reads and writes: expected NDArrays or tags, got {}",
           Py_TYPE(item.ptr())->tp_name);
    }
  }
}

engine::Resource resource_of(const std::string& name) {
  if (name == "compute") return engine::Resource::compute;
  if (name == "copy") return engine::Resource::copy;
  if (name == "io") return engine::Resource::io;
  if (name == "network") return engine::Resource::network;
  fail(ErrorKind::Input, "[engine.push] resource: expected compute, copy, io or network, got '{}'",
       name);
}

void push(nb::callable function, nb::handle reads, nb::handle writes, int priority,
          const std::string& name, const std::string& resource,
          const std::optional<UserCancellation>& cancellation) {
  Held held;
  std::vector<engine::Tag*> read_tags, write_tags;
  held.arrays.reserve(nb::len(reads) + nb::len(writes));
  collect(reads, held, read_tags);
  collect(writes, held, write_tags);
  engine::TaskOptions options;
  options.reads = read_tags;
  options.writes = write_tags;
  options.priority = priority;
  options.name = engine::intern_name(name);
  options.resource = resource_of(resource);
  options.effect = true;  // a user's function may do anything
  if (cancellation) options.cancellation = cancellation->request.get();
  auto work = [f = shared_object(function), held = std::move(held)] {
    nb::gil_scoped_acquire gil;
    try {
      (*f)();
    } catch (nb::python_error& error) {
      throw TaskError(error);
    }
  };
  nb::gil_scoped_release release;
  engine::push(std::move(work), options);
}

}  // namespace

void bind_engine(nb::module_& m) {
  nb::class_<UserTag>(m, "Tag", "Something that tasks read or write: a file, a device, a counter.")
      .def(
          "__init__",
          [](UserTag* self, const std::string& name) {
            new (self) UserTag{engine::make_tag(engine::intern_name(name))};
          },
          nb::arg("name") = "tag")
      .def(
          "wait_to_read",
          [](const UserTag& t) {
            Ref<engine::Tag> tag = t.tag;
            nb::gil_scoped_release release;
            engine::wait_for_read(*tag);
          },
          "Returns when every write pushed so far is done; raises the error of a failed one.")
      .def("wait_to_write", [](const UserTag& t) {
        Ref<engine::Tag> tag = t.tag;
        nb::gil_scoped_release release;
        engine::wait_for_write(*tag);
      });
  m.def("engine_push", &push, nb::arg("fn"), nb::arg("reads"), nb::arg("writes"),
        nb::arg("priority"), nb::arg("name"), nb::arg("resource"),
        nb::arg("cancellation").none() = nb::none());
  m.def("engine_delete_tag", [](UserTag& t) {
    if (!t.tag) return;
    Ref<engine::Tag> tag = t.tag;
    nb::gil_scoped_release release;
    engine::delete_tag(tag, [] {});
  });
  m.def("engine_wait_all", [] {
    nb::gil_scoped_release release;
    engine::wait_all();
  });
  m.def("engine_configure", [](const std::string& kind, int workers) {
    nb::gil_scoped_release release;
    engine::Configuration configuration = engine::configuration();
    if (!kind.empty()) configuration.kind = kind;
    if (workers > 0) configuration.compute_workers = workers;
    engine::configure(configuration);
  });
  m.def("engine_configuration", [] {
    const engine::Configuration c = engine::configuration();
    return std::make_pair(c.kind, engine::compute_workers());
  });
  m.def("engine_leave", [] {
    nb::gil_scoped_release release;
    engine::leave();
  });
  m.def("engine_prepare_fork", [] {
    nb::gil_scoped_release release;  // tasks that are waited for may want it
    engine::prepare_fork();
  });
  m.def("engine_inside_task", &engine::inside_task);
  m.def("trace_start", &engine::trace_start);
  m.def("trace_stop", &engine::trace_stop);
  m.def("tracing", &engine::tracing);
  m.def("trace_json", [] { return engine::trace_json(); });

  nb::class_<UserCancellation>(
      m, "Cancellation",
      "A request to give work up: tasks pushed with it that have not started when cancel() is\n"
      "called are skipped, and who reads what they should have written gets CancelledError.")
      .def("__init__",
           [](UserCancellation* self) {
             new (self) UserCancellation{make_ref<engine::Cancellation>()};
           })
      .def(
          "cancel", [](const UserCancellation& c) { c.request->cancel(); },
          "Give up what has not started. Any thread may call it, any number of times.")
      .def(
          "cancelled", [](const UserCancellation& c) { return c.request->cancelled(); },
          "True after cancel(): a long task may ask, and raise or return early.");
  m.def("engine_set_bulk_size", [](int size) {
    nb::gil_scoped_release release;  // pushes what was collected
    return engine::detail::set_bulk_size(size);
  });
}

}  // namespace gemel::python
