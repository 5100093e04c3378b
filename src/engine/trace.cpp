#include "engine/trace.h"

#include <algorithm>
#include <chrono>
#include <memory>
#include <mutex>

#include <pthread.h>
#include <unistd.h>

#include "engine/push-inl.h"
#include "engine/trace_buffer.h"
#include "memory/pool.h"

namespace gemel::engine {
namespace detail {

// A thread keeps at most this many: a program that forgot its profiler does not fill the memory.
constexpr size_t most_records = 4 << 20;
constexpr int64_t memory_sample_nanoseconds = 1'000'000;

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
#if defined(__linux__)
  if (gettid() == getpid()) fresh.name = "main";
#endif
  return *(thread_state.trace = &fresh);
}

std::atomic<bool> sampling{true};
std::atomic<int64_t> sampled_at{0}, sampled_bytes{0};

// Adds a counter when the bytes in use have changed, not too often. The buffer's lock is held.
void sample_memory(TraceBuffer& own, int64_t now) {
  int64_t last = sampled_at.load(std::memory_order_relaxed);
  if (now - last < memory_sample_nanoseconds ||
      !sampled_at.compare_exchange_strong(last, now, std::memory_order_relaxed)) {
    return;
  }
  int64_t bytes = 0;
  for (const memory::Statistics& row : memory::statistics())
    if (row.owner == "total") bytes = row.current;
  if (sampled_bytes.exchange(bytes, std::memory_order_relaxed) == bytes) return;
  TraceRecord record;
  record.name = "Memory: cpu/0";
  record.kind = TraceKind::counter;
  record.category = trace_memory_category;
  record.bytes = bytes;
  record.thread = own.thread;
  record.started = record.ended = now;
  if (own.records.size() < most_records) own.records.push_back(std::move(record));
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

void trace_wait(const char* name, const Tag* tag, int64_t started) {
  TraceRecord record;
  record.name = name;
  record.kind = TraceKind::wait;
  record.category = "wait";
  record.pushed = record.ready = record.started = started;
  record.ended = trace_now();
  if (tag) record.reads.push_back(tag->id());
  trace_add(std::move(record));
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

void trace_resume() { detail::fast_path.modes.fetch_or(detail::mode_tracing); }

void trace_stop() { detail::fast_path.modes.fetch_and(~uint32_t{detail::mode_tracing}); }

void trace_add(TraceRecord record) {
  if (!tracing()) return;
  detail::TraceBuffer& own = detail::buffer();
  std::lock_guard lock(own.mutex);
  record.thread = own.thread;
  const int64_t now = record.ended;
  if (own.records.size() < detail::most_records) own.records.push_back(std::move(record));
  if (detail::sampling.load(std::memory_order_relaxed)) detail::sample_memory(own, now);
}

void trace_sample_memory(bool on) { detail::sampling.store(on, std::memory_order_relaxed); }

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

std::vector<TraceRecord> trace_records() { return collect(false); }

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

}  // namespace gemel::engine
