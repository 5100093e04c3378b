// The profiler of MXNet's users over the engine's trace: configured once, run, paused and resumed,
// written to a file that Perfetto opens, summed up as a table. Any thread may call.
//
//   profiler::configure({{"filename", "step.json"}, {"aggregate_stats", "True"}});
//   profiler::set_running(true);  ...  profiler::dump(true);
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "base/export.h"
#include "engine/trace.h"

namespace gemel::engine::profiler {

// The keywords of 1.9.1's set_config by name; those not given return to their defaults. Throws
// Error(Input) that lists the keywords when one is unknown.
GEMEL_EXPORT void configure(std::span<const std::pair<std::string, std::string>> keywords);

// The first run after a finished dump starts with an empty trace.
GEMEL_EXPORT void set_running(bool running);
GEMEL_EXPORT bool running();
// While paused nothing is recorded.
GEMEL_EXPORT void set_paused(bool paused);

// Waits for all work and writes the file. `finished` stops the profiler; later runs start afresh.
// Throws Error(Internal) when it never ran, Error(Environment) when the file cannot be written.
GEMEL_EXPORT void dump(bool finished);
// Something was recorded that dump() has not written: at the end of the process it will.
GEMEL_EXPORT bool has_output();

// Times of operators and of the user's own events by name, as a table or as JSON; empty when
// aggregate_stats is off. sort_by: total, avg, min, max or count. `reset` starts new sums.
GEMEL_EXPORT std::string summary(bool reset, bool json, std::string_view sort_by, bool ascending);

// A user's own event, recorded while the profiler runs. `started` is trace_now() at its start.
GEMEL_EXPORT void add_span(TraceKind kind, std::string_view category, std::string_view name,
                           int64_t started);
GEMEL_EXPORT void add_counter(std::string_view category, std::string_view name, int64_t value);
// `scope`: global, process, thread, task or marker; throws Error(Input) for others.
GEMEL_EXPORT void add_marker(std::string_view category, std::string_view name,
                             std::string_view scope);

}  // namespace gemel::engine::profiler
