#include "engine/trace.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <mutex>

#include "engine/push-inl.h"
#include "engine/trace_buffer.h"

namespace gemel::engine {
namespace detail {

// Records of one thread. Its lock is taken by others only when the trace is read.
class TraceBuffer {
 public:
  std::mutex mutex;
  std::string name;
  std::vector<TraceRecord> records;
  int thread = 0;
  bool left = false;  // its thread has ended; under the registry's lock
};

namespace {

struct Registry {
  std::mutex mutex;
  std::vector<std::unique_ptr<TraceBuffer>> buffers;  // by thread index; outlive their threads
};

Registry& registry() {
  static auto* instance = new Registry;
  return *instance;
}

// The calling thread's buffer: one that an ended thread of this name has left, or a new one.
TraceBuffer& buffer(const char* name = nullptr) {
  if (thread_state.trace) return *thread_state.trace;
  Registry& all = registry();
  std::lock_guard lock(all.mutex);
  for (auto& old : all.buffers) {
    if (!name || !old->left || old->name != name) continue;
    old->left = false;
    return *(thread_state.trace = old.get());
  }
  TraceBuffer& fresh = *all.buffers.emplace_back(std::make_unique<TraceBuffer>());
  fresh.thread = static_cast<int>(all.buffers.size()) - 1;
  fresh.name = "thread " + std::to_string(fresh.thread);
  return *(thread_state.trace = &fresh);
}

}  // namespace

void trace_task(const Task& task, bool skipped) {
  TraceRecord record;
  record.name = task.name;
  record.resource = task.resource;
  record.asynchronous = task.asynchronous;
  record.skipped = skipped;
  record.pushed = task.pushed;
  record.ready = task.ready;
  record.started = task.started;
  record.ended = trace_now();
  record.bytes = task.bytes - static_cast<int64_t>(sizeof(Task));
  for (const Access& access : task.accesses) {
    if (access.reads) record.reads.push_back(access.tag->id());
    if (access.writes) record.writes.push_back(access.tag->id());
  }
  trace_add(std::move(record));
}

void trace_inline(const TaskOptions& options, int64_t started) {
  TraceRecord record;
  record.name = options.name;
  record.resource = options.resource;
  record.inlined = true;
  record.pushed = record.ready = record.started = started;
  record.ended = trace_now();
  record.bytes = options.bytes;
  for (const Tag* tag : options.reads) record.reads.push_back(tag->id());
  for (const Tag* tag : options.writes) record.writes.push_back(tag->id());
  trace_add(std::move(record));
}

void trace_leave_thread() {
  std::lock_guard lock(registry().mutex);
  if (TraceBuffer* own = std::exchange(thread_state.trace, nullptr)) own->left = true;
}

void trace_part(const char* name, int64_t started) {
  TraceRecord record;
  record.name = name;
  record.part = true;
  record.pushed = record.ready = record.started = started;
  record.ended = trace_now();
  trace_add(std::move(record));
}

}  // namespace detail

int64_t trace_now() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

bool tracing() {
  return detail::fast_path.modes.load(std::memory_order_relaxed) & detail::mode_tracing;
}

void trace_start() {
  trace_take();
  detail::fast_path.modes.fetch_or(detail::mode_tracing);
}

void trace_stop() { detail::fast_path.modes.fetch_and(~uint32_t{detail::mode_tracing}); }

void trace_add(TraceRecord record) {
  if (!tracing()) return;
  detail::TraceBuffer& own = detail::buffer();
  std::lock_guard lock(own.mutex);
  record.thread = own.thread;
  own.records.push_back(std::move(record));
}

void trace_name_thread(const char* name) {
  detail::TraceBuffer& own = detail::buffer(name);
  std::lock_guard lock(own.mutex);
  own.name = name;
}

static std::vector<TraceRecord> collect(bool remove) {
  std::vector<TraceRecord> all;
  detail::Registry& registry = detail::registry();
  std::lock_guard lock(registry.mutex);
  for (auto& buffer : registry.buffers) {
    std::lock_guard own(buffer->mutex);
    all.insert(all.end(), buffer->records.begin(), buffer->records.end());
    if (remove) buffer->records.clear();
  }
  std::stable_sort(all.begin(), all.end(), [](const TraceRecord& a, const TraceRecord& b) {
    return a.started < b.started;
  });
  return all;
}

std::vector<TraceRecord> trace_take() { return collect(true); }

std::vector<std::string> trace_threads() {
  std::vector<std::string> names;
  detail::Registry& registry = detail::registry();
  std::lock_guard lock(registry.mutex);
  for (auto& buffer : registry.buffers) {
    std::lock_guard own(buffer->mutex);
    names.push_back(buffer->name);
  }
  return names;
}

namespace {

std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\')
      (out += '\\') += c;
    else if (static_cast<unsigned char>(c) < 0x20)
      out += fmt::format("\\u{:04x}", c);
    else
      out += c;
  }
  return out += '"';
}

}  // namespace

std::string trace_json() {
  static constexpr const char* resources[] = {"compute", "copy", "io", "network"};
  std::vector<TraceRecord> records = collect(false);
  std::vector<std::string> threads = trace_threads();
  int64_t origin = records.empty() ? 0 : records.front().started;
  std::string out = "{\"displayTimeUnit\":\"ns\",\"traceEvents\":[";
  out += "{\"ph\":\"M\",\"pid\":1,\"name\":\"process_name\",\"args\":{\"name\":\"gemel\"}}";
  for (size_t i = 0; i < threads.size(); ++i) {
    out += fmt::format(
        ",\n{{\"ph\":\"M\",\"pid\":1,\"tid\":{},\"name\":\"thread_name\",\"args\":{{\"name\":{}}}}"
        "}",
        i, quoted(threads[i]));
  }
  int64_t number = 0;
  auto microseconds = [&](int64_t time) { return static_cast<double>(time - origin) / 1000; };
  for (const TraceRecord& r : records) {
    std::string args = fmt::format(
        "{{\"reads\":[{}],\"writes\":[{}],\"bytes\":{},\"inline\":{},\"skipped\":{},"
        "\"waited_us\":{:.3f},\"queued_us\":{:.3f}}}",
        fmt::join(r.reads, ","), fmt::join(r.writes, ","), r.bytes, r.inlined, r.skipped,
        r.pushed && r.ready ? static_cast<double>(r.ready - r.pushed) / 1000 : 0.0,
        r.ready ? static_cast<double>(r.started - r.ready) / 1000 : 0.0);
    const char* category = resources[static_cast<int>(r.resource)];
    std::string head = fmt::format(",\n{{\"name\":{},\"cat\":\"{}\",\"pid\":1,\"tid\":{}",
                                   quoted(r.name), category, r.thread);
    if (r.asynchronous) {  // may overlap others on its thread
      ++number;
      out += fmt::format("{},\"ph\":\"b\",\"id\":{},\"ts\":{:.3f},\"args\":{}}}", head, number,
                         microseconds(r.started), args);
      out += fmt::format("{},\"ph\":\"e\",\"id\":{},\"ts\":{:.3f}}}", head, number,
                         microseconds(r.ended));
    } else {
      out += fmt::format("{},\"ph\":\"X\",\"ts\":{:.3f},\"dur\":{:.3f},\"args\":{}}}", head,
                         microseconds(r.started), static_cast<double>(r.ended - r.started) / 1000,
                         args);
    }
  }
  return out + "]}\n";
}

}  // namespace gemel::engine
