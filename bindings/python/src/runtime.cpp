// Memory statistics, settings, random seed, features.
#include "base/settings.h"
#include "common.h"
#include "memory/pool.h"
#include "runtime/features.h"
#include "runtime/random.h"

namespace gemel::python {

void bind_runtime(nb::module_& m) {
  m.def("memory_statistics", [] {
    nb::dict d;
    for (const auto& row : memory::statistics()) {
      nb::dict r;
      r["current"] = row.current;
      r["peak"] = row.peak;
      r["allocations"] = row.allocations;
      d[row.owner.c_str()] = r;
    }
    return d;
  });
  m.def("memory_reset_peaks", &memory::reset_peaks);
  m.def("memory_trim", &memory::trim);
  m.def("random_seed", &runtime::seed);
  m.def("settings", [] {
    nb::list rows;
    for (const auto& s : settings::all()) {
      nb::dict d;
      d["name"] = s.name;
      d["type"] = s.type;
      d["value"] = s.value;
      d["default"] = s.default_value;
      d["environment"] = s.environment;
      d["source"] = s.source;
      d["choices"] = s.choices;
      d["doc"] = s.doc;
      rows.append(d);
    }
    return rows;
  });
  m.def("setting_variables", [] {
    nb::list rows;
    for (const auto& v : settings::variables()) {
      nb::dict d;
      d["name"] = v.name;
      d["setting"] = v.setting;
      d["why"] = v.why;
      rows.append(d);
    }
    return rows;
  });
  m.def("set_setting",
        [](const std::string& name, const std::string& value) { settings::set(name, value); });
  m.def("get_setting", [](const std::string& name) { return settings::get(name); });
  m.def("is_available", [](nb::handle context) { return is_available(device_of(context)); });
  m.def("features", [] {
    nb::dict d;
    for (const runtime::Feature& feature : runtime::features()) d[feature.name] = feature.enabled;
    return d;
  });
}

}  // namespace gemel::python
