#include "engine/profiler.h"

#include <fmt/format.h>

#include <charconv>
#include <mutex>

#include "base/error.h"
#include "base/io.h"
#include "engine/scheduler.h"
#include "engine/summary.h"

namespace gemel::engine::profiler {
namespace {

struct Options {
  bool all = false, symbolic = true, imperative = true, memory = true, api = true;
  bool continuous_dump = true, aggregate_stats = false;
  double dump_period = 1;
  std::string filename = "profile.json";
};

constexpr const char* keywords_text =
    "profile_all : boolean, optional, default=0\n"
    "    All kinds, whatever the other keywords say.\n"
    "profile_symbolic : boolean, optional, default=1\n"
    "    Operators inside of graphs.\n"
    "profile_imperative : boolean, optional, default=1\n"
    "    Operators called by themselves.\n"
    "profile_memory : boolean, optional, default=1\n"
    "    Bytes in use.\n"
    "profile_api : boolean, optional, default=1\n"
    "    Accepted: calls of the C API are not recorded apart from what they start.\n"
    "filename : string, optional, default='profile.json'\n"
    "    File that receives the trace.\n"
    "continuous_dump : boolean, optional, default=1\n"
    "    Accepted: the file is written by dump() and at the end of the process.\n"
    "dump_period : float, optional, default=1\n"
    "    Accepted, see continuous_dump.\n"
    "aggregate_stats : boolean, optional, default=0\n"
    "    Keep sums for dumps().\n"
    "profile_process : {'server', 'worker'},optional, default='worker'\n"
    "    Which process is meant.";

struct State {
  std::mutex mutex;
  Options options;
  bool running = false, paused = false;
  bool fresh = true;        // the next run starts with an empty trace
  bool ever_ran = false;    // since the last finished dump
  int64_t summed_from = 0;  // trace_now() of the last reset
};

State& state() {
  static auto* const instance = new State;
  return *instance;
}

bool boolean(const std::string& name, const std::string& text) {
  if (text == "1" || text == "True" || text == "true") return true;
  if (text == "0" || text == "False" || text == "false") return false;
  fail(ErrorKind::Input, "Invalid Parameter format for {} expect boolean but value='{}'", name,
       text);
}

void set(Options& options, const std::string& name, const std::string& value) {
  const std::pair<const char*, bool Options::*> flags[] = {
      {"profile_all", &Options::all},
      {"profile_symbolic", &Options::symbolic},
      {"profile_imperative", &Options::imperative},
      {"profile_memory", &Options::memory},
      {"profile_api", &Options::api},
      {"continuous_dump", &Options::continuous_dump},
      {"aggregate_stats", &Options::aggregate_stats}};
  for (const auto& [flag, member] : flags) {
    if (name != flag) continue;
    options.*member = boolean(name, value);
    return;
  }
  if (name == "filename") {
    options.filename = value;
  } else if (name == "dump_period") {
    const char* end = value.data() + value.size();
    const auto [at, error] = std::from_chars(value.data(), end, options.dump_period);
    GEMEL_CHECK(error == std::errc() && at == end,
                "Invalid Parameter format for dump_period expect float but value='{}'", value);
  } else if (name == "profile_process") {
    GEMEL_CHECK(value == "worker" || value == "server",
                "Invalid Input: '{}', valid values are: {{'server', 'worker'}}", value);
  } else {
    fail(ErrorKind::Input, "Cannot find argument '{}', Possible Arguments:\n----------------\n{}",
         name, keywords_text);
  }
}

// Recording follows the state; the lock is held.
void apply(State& s) {
  const bool on = s.running && !s.paused;
  trace_sample_memory(s.options.memory || s.options.all);
  if (!on) return trace_stop();
  if (std::exchange(s.fresh, false))
    trace_start();
  else
    trace_resume();
  s.ever_ran = true;
}

bool wanted(const Options& options, const TraceRecord& record) {
  if (options.all || record.kind != TraceKind::task) return true;
  if (is_plan(record) || record.part) return options.symbolic;
  return options.imperative || record.resource != Resource::compute;
}

}  // namespace

void configure(std::span<const std::pair<std::string, std::string>> keywords) {
  Options options;
  for (const auto& [name, value] : keywords) set(options, name, value);
  State& s = state();
  std::lock_guard lock(s.mutex);
  s.options = std::move(options);
  if (s.running) apply(s);
}

void set_running(bool running) {
  State& s = state();
  std::lock_guard lock(s.mutex);
  s.running = running;
  apply(s);
}

bool running() {
  State& s = state();
  std::lock_guard lock(s.mutex);
  return s.running;
}

void set_paused(bool paused) {
  State& s = state();
  std::lock_guard lock(s.mutex);
  s.paused = paused;
  apply(s);
}

bool has_output() {
  State& s = state();
  std::lock_guard lock(s.mutex);
  return s.ever_ran;
}

void dump(bool finished) {
  State& s = state();
  {
    std::lock_guard lock(s.mutex);
    if (!s.ever_ran)
      fail(ErrorKind::Internal, "Profiler hasn't been run. Config and start profiler first");
  }
  if (!inside_task())
    detail::Scheduler::get().wait_idle();  // without the lock: tasks may call the profiler
  std::lock_guard lock(s.mutex);
  const Options& options = s.options;
  write_file(options.filename,
             trace_json([&](const TraceRecord& record) { return wanted(options, record); }));
  if (!finished) return;
  s.running = s.paused = s.ever_ran = false;
  s.fresh = true;
  trace_stop();
}

std::string summary(bool reset, bool json, std::string_view sort_by, bool ascending) {
  State& s = state();
  {
    std::lock_guard lock(s.mutex);
    if (!s.options.aggregate_stats) return "";
  }
  if (!inside_task()) detail::Scheduler::get().wait_idle();
  std::lock_guard lock(s.mutex);
  Summary sums;
  for (const TraceRecord& record : trace_records())
    if (record.ended >= s.summed_from && wanted(s.options, record)) sums.add(record);
  if (reset) s.summed_from = trace_now();
  return json ? sums.json(sort_by, ascending) : sums.table(sort_by, ascending);
}

void add_span(TraceKind kind, std::string_view category, std::string_view name, int64_t started) {
  if (!tracing()) return;
  TraceRecord record;
  record.kind = kind;
  record.name = intern_name(name);
  record.category = intern_name(category);
  record.pushed = record.ready = record.started = started;
  record.ended = trace_now();
  trace_add(std::move(record));
}

void add_counter(std::string_view category, std::string_view name, int64_t value) {
  if (!tracing()) return;
  TraceRecord record;
  record.kind = TraceKind::counter;
  record.name = intern_name(name);
  record.category = intern_name(category);
  record.bytes = value;
  record.started = record.ended = trace_now();
  trace_add(std::move(record));
}

void add_marker(std::string_view category, std::string_view name, std::string_view scope) {
  constexpr std::pair<const char*, char> scopes[] = {
      {"global", 'g'}, {"marker", 't'}, {"process", 'p'}, {"task", 't'}, {"thread", 't'}};
  char letter = 0;
  for (const auto& [text, value] : scopes)
    if (scope == text) letter = value;
  GEMEL_CHECK(letter,
              "Invalid Input: '{}', valid values are: {{'global', 'marker', 'process', 'task', "
              "'thread'}}",
              scope);
  if (!tracing()) return;
  TraceRecord record;
  record.kind = TraceKind::marker;
  record.name = intern_name(name);
  record.category = intern_name(category);
  record.bytes = letter;
  record.started = record.ended = trace_now();
  trace_add(std::move(record));
}

}  // namespace gemel::engine::profiler
