// mx.profiler: what the package calls.
#include "engine/profiler.h"

#include "common.h"

namespace gemel::python {

void bind_profiler(nb::module_& m) {
  namespace profiler = engine::profiler;
  m.def("profiler_set_config",
        [](const std::vector<std::pair<std::string, std::string>>& keywords) {
          profiler::configure(keywords);
        });
  m.def("profiler_set_running", &profiler::set_running);
  m.def("profiler_set_paused", &profiler::set_paused);
  m.def("profiler_has_output", &profiler::has_output);
  m.def("profiler_dump", [](bool finished) {
    nb::gil_scoped_release release;
    profiler::dump(finished);
  });
  m.def("profiler_summary", [](bool reset, bool json, const std::string& sort_by, bool ascending) {
    nb::gil_scoped_release release;
    return profiler::summary(reset, json, sort_by, ascending);
  });
  m.def("trace_now", &engine::trace_now);
  m.def("profiler_add_span", [](const std::string& kind, const std::string& category,
                                const std::string& name, int64_t started) {
    profiler::add_span(kind == "frame" ? engine::TraceKind::frame : engine::TraceKind::span,
                       category, name, started);
  });
  m.def("profiler_add_counter",
        [](const std::string& category, const std::string& name, int64_t value) {
          profiler::add_counter(category, name, value);
        });
  m.def("profiler_add_marker",
        [](const std::string& category, const std::string& name, const std::string& scope) {
          profiler::add_marker(category, name, scope);
        });
}

}  // namespace gemel::python
