// The tuner and its record.
#include "tune/tune.h"

#include "common.h"
#include "record/key.h"
#include "record/record.h"
#include "runtime/plan.h"

namespace gemel::python {
namespace {

nb::dict described(const record::Choices& choices) {
  nb::dict settings, kernels;
  for (const auto& [name, value] : choices.settings) settings[name.c_str()] = value;
  for (const auto& [signature, name] : choices.kernels) kernels[signature.c_str()] = name;
  nb::dict both;
  both["settings"] = settings;
  both["kernels"] = kernels;
  return both;
}

nb::dict described(const tune::Row& row) {
  nb::dict d;
  d["what"] = row.what;
  d["seconds"] = row.seconds;
  d["before"] = row.before;
  d["taken"] = row.taken;
  d["problem"] = row.problem;
  return d;
}

nb::dict tune_executor(runtime::Executor& executor, double budget, bool training,
                       const std::vector<std::string>& allow, std::optional<std::string> record,
                       nb::object progress) {
  tune::Options options;
  options.budget = budget;
  options.training = training;
  options.allow = {allow.begin(), allow.end()};
  options.record = std::move(record);
  if (!progress.is_none())
    options.progress = [&](const tune::Row& row) {
      nb::gil_scoped_acquire gil;
      progress(described(row));
    };
  tune::Result result;
  {
    nb::gil_scoped_release release;
    result = tune::tune(executor, options);
  }
  nb::list rows;
  for (const tune::Row& row : result.rows) rows.append(described(row));
  nb::dict d;
  d["default_seconds"] = result.default_seconds;
  d["tuned_seconds"] = result.tuned_seconds;
  d["elapsed"] = result.elapsed;
  d["choices"] = described(result.choices);
  d["rows"] = rows;
  d["frozen"] = result.frozen;
  d["key"] = result.key;
  d["record"] = result.record;
  return d;
}

}  // namespace

void bind_tune(nb::module_& m) {
  m.def("tune", &tune_executor, nb::arg("executor"), nb::arg("budget"), nb::arg("training"),
        nb::arg("allow"), nb::arg("record").none(), nb::arg("progress").none());
  m.def("choices_of", [](const runtime::Executor& executor, bool training) {
    return described(executor.choices(training));
  });
  m.def("step_choices", [](const runtime::Executor& executor, bool training) {
    nb::list rows;
    for (const auto& step : executor.plan(training).step_choices()) {
      nb::dict d;
      d["signature"] = step.signature;
      d["implementation"] = step.implementation;
      d["alternatives"] = step.alternatives;
      rows.append(d);
    }
    return rows;
  });
  m.def("copy_choices", [](const runtime::Executor& from, runtime::Executor& to, bool training) {
    to.set_choices(training, from.choices(training));
  });
  m.def("read_record", [](const std::string& path) {
    nb::list rows;
    for (const record::Found& found : record::read(path)) {
      nb::dict d;
      d["key"] = found.key;
      d["machine"] = found.machine;
      d["choices"] = described(found.choices);
      d["default_seconds"] = found.default_seconds;
      d["tuned_seconds"] = found.tuned_seconds;
      rows.append(d);
    }
    return rows;
  });
  m.def("default_record", &record::default_path);
}

}  // namespace gemel::python
