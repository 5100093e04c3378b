// The engine's trace: one record per task. Off, it costs a task one relaxed load.
#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/export.h"
#include "engine/engine.h"

namespace gemel::engine {

enum class TraceKind : uint8_t {
  task,     // a task of the engine, or a part of one
  wait,     // a thread that waited
  span,     // a user's own, on its thread
  frame,    // the same, on a track of its own
  counter,  // `bytes` is the value
  marker,   // an instant; `bytes` is its scope in Chrome's form: g, p or t
};

struct TraceRecord {
  const char* name = "";
  TraceKind kind = TraceKind::task;
  const char* category = "";  // of what is no task: a literal or intern_name()
  int thread = 0;             // index into the thread names of trace_threads()
  Resource resource = Resource::compute;
  bool inlined = false;       // ran on the pushing thread
  bool part = false;          // a step of a bulk or a node of a Graph; has no tags of its own
  bool asynchronous = false;  // ends when its completion was called
  bool skipped = false;       // read a poisoned tag
  int64_t pushed = 0, ready = 0, started = 0, ended = 0;  // nanoseconds of the steady clock
  int64_t bytes = 0;
  std::vector<uint32_t> reads, writes;  // Tag::id()
};

// Starts with empty buffers. Tasks pushed before have times of 0 for what was not seen.
GEMEL_EXPORT void trace_start();
GEMEL_EXPORT void trace_stop();
GEMEL_EXPORT void trace_resume();  // goes on with the records so far
GEMEL_EXPORT bool tracing();
// The records of the finished tasks in order of their start; they are removed.
GEMEL_EXPORT std::vector<TraceRecord> trace_take();
GEMEL_EXPORT std::vector<std::string> trace_threads();
// The same without removing them.
GEMEL_EXPORT std::vector<TraceRecord> trace_records();
// The records so far in Chrome's trace form (Perfetto reads it); they stay. With a condition, only
// those that meet it.
GEMEL_EXPORT std::string trace_json(
    const std::function<bool(const TraceRecord&)>& condition = nullptr);
// Text as a JSON string.
GEMEL_EXPORT std::string trace_quoted(std::string_view text);
// Whether the bytes of memory in use are recorded beside the tasks (they are at first).
GEMEL_EXPORT void trace_sample_memory(bool on);
inline constexpr const char* trace_memory_category = "Device Storage";
// Adds a record of the caller's own (a kernel inside a task, a phase); no-op while not tracing.
GEMEL_EXPORT void trace_add(TraceRecord record);
// The name of the calling thread on the trace.
GEMEL_EXPORT void trace_name_thread(const char* name);
GEMEL_EXPORT int64_t trace_now();

}  // namespace gemel::engine
