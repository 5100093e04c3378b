#include "engine/bulk.h"

#include <algorithm>
#include <mutex>

#include "base/error.h"
#include "engine/scheduler.h"
#include "engine/solo.h"
#include "engine/trace.h"
#include "engine/trace_buffer.h"

namespace gemel::engine {
namespace detail {
namespace {

constexpr size_t most_tags = 1024;  // of one bulk
constexpr size_t most_kept = 32;    // bulks kept for reuse

struct Kept {
  std::unique_ptr<BulkRun> run;
  std::vector<Access> accesses;
};
std::mutex kept_mutex;
std::vector<Kept>& kept() {
  static auto* list = new std::vector<Kept>;
  return *list;
}

Task* new_bulk_task() {
  Task* task = allocate_task();
  task->name = "bulk";
  task->priority = 0;
  task->resource = Resource::compute;
  task->finaliser = task->effect = false;
  task->bytes = 0;
  {
    std::lock_guard lock(kept_mutex);
    if (!kept().empty()) {
      task->bulk = std::move(kept().back().run);
      task->accesses = std::move(kept().back().accesses);
      kept().pop_back();
      return task;
    }
  }
  task->bulk = std::make_unique<BulkRun>();
  task->accesses.reserve(256);
  return task;
}

}  // namespace

void recycle_bulk(std::unique_ptr<BulkRun> run, std::vector<Access> accesses) {
  accesses.clear();
  run->uses.clear();
  run->poison.clear();
  run->failures.clear();
  run->poisoned = false;
  std::lock_guard lock(kept_mutex);
  if (kept().size() < most_kept) kept().push_back({std::move(run), std::move(accesses)});
}

void BulkRun::run_whole(size_t accesses) {
  try {
    whole();
  } catch (...) {
    auto failure = make_ref<Failure>(std::current_exception());
    failures.push_back(failure);
    poisoned = true;
    poison.resize(accesses);
    for (const Use& use : uses)
      if (use.writes) poison[use.access] = failure;
  }
}

void BulkRun::run(size_t accesses) {
  if (whole && !poisoned) return run_whole(accesses);
  bool traced = tracing();
  for (size_t i = 0; i < steps.size(); ++i) {
    Step& step = steps[i];
    const Use* use = uses.data() + step.first_use;
    const Use* end = uses.data() + (i + 1 < steps.size() ? steps[i + 1].first_use : uses.size());
    Ref<Failure> failure;
    if (poisoned) {
      for (const Use* u = use; u != end && !failure; ++u) {
        if (u->reads) failure = poison[u->access];
      }
    }
    if (!failure) {
      int64_t started = traced ? trace_now() : 0;
      try {
        step.function();
      } catch (...) {
        failure = make_ref<Failure>(std::current_exception());
        failures.push_back(failure);
        poisoned = true;
        poison.resize(accesses);
      }
      if (traced) trace_part(step.name, started);
    }
    if (!poisoned) continue;
    for (const Use* u = use; u != end; ++u) {
      if (!u->writes) continue;
      bool also_read = std::any_of(
          use, end, [&](const Use& other) { return other.access == u->access && other.reads; });
      if (failure || !also_read) poison[u->access] = failure;
    }
  }
}

void BulkRun::drop() {
  whole.reset();
  steps.clear();
}

bool BulkBuffer::collect(Function& work, const TaskOptions& options) {
  for (Tag* tag : options.reads) __builtin_prefetch(tag, 1);  // a worker has touched them last
  for (Tag* tag : options.writes) __builtin_prefetch(tag, 1);
  bool fits = options.small && !options.finaliser && !options.effect && !options.cancellation &&
              options.resource == Resource::compute;
  for (Tag* tag : options.reads) fits &= !(tag->word.load(std::memory_order_relaxed) & split_bit);
  for (Tag* tag : options.writes) fits &= !(tag->word.load(std::memory_order_relaxed) & split_bit);
  if (!fits) {
    flush();
    return false;
  }
  append(std::move(work), options.reads, options.writes, options.name);
  task_->bytes += options.bytes;
  task_->priority = std::max(task_->priority, options.priority);
  if (static_cast<int>(task_->bulk->steps.size()) >= size_ || task_->accesses.size() > most_tags)
    flush();
  return true;
}

bool BulkBuffer::uses(const Tag* tag) { return task_ && table_.find(*task_, tag) >= 0; }

void BulkBuffer::append(Function work, std::span<Tag* const> reads, std::span<Tag* const> writes,
                        const char* name) {
  if (!task_) {
    task_ = new_bulk_task();
    table_.clear();
    if (tracing()) task_->pushed = trace_now();
  }
  BulkRun& run = *task_->bulk;
  if (run.steps.capacity() == 0) run.steps.reserve(std::min(size_, 64));
  run.steps.push_back({std::move(work), name, static_cast<uint32_t>(run.uses.size())});
  for (Tag* tag : writes) {
    run.uses.push_back(
        {static_cast<uint32_t>(add_access(*task_, table_, tag, false, true)), false, true});
  }
  for (Tag* tag : reads) {
    run.uses.push_back(
        {static_cast<uint32_t>(add_access(*task_, table_, tag, true, false)), true, false});
  }
}

void BulkBuffer::submit_whole(Function whole, const TaskOptions& options) {
  Task* task = std::exchange(task_, nullptr);
  task->bulk->whole = std::move(whole);
  task->name = options.name;
  task->bytes = options.bytes;
  task->priority = options.priority;
  Scheduler::get().submit(task, false);
}

void BulkBuffer::flush() {
  Task* task = std::exchange(task_, nullptr);
  if (!task) return;
  join_pushers();
  Scheduler::get().submit(task);
}

}  // namespace detail

void push_fused(Function whole, std::span<Part> parts, const TaskOptions& options) {
  using namespace detail;
  mark_outer_frame();
  flush_bulk();
  BulkBuffer buffer(1 << 30);
  for (Part& part : parts) buffer.append(std::move(part.work), part.reads, part.writes, part.name);
  join_pushers();
  buffer.submit_whole(std::move(whole), options);
}

namespace detail {

int set_bulk_size(int size) {
  flush_bulk();
  struct Own {
    std::unique_ptr<BulkBuffer> buffer;
    int size = 0;
    ~Own() {
      if (thread_state.bulk == buffer.get()) thread_state.bulk = nullptr;
      if (buffer) buffer->flush();
    }
  };
  thread_local Own own;
  GEMEL_CHECK(thread_state.bulk == own.buffer.get(),
              "[engine] set_bulk_size() inside a Bulk scope: end the scope first");
  own.buffer = size > 1 ? std::make_unique<BulkBuffer>(size) : nullptr;
  thread_state.bulk = own.buffer.get();
  return std::exchange(own.size, size);
}

}  // namespace detail

Bulk::Bulk(int size) : outer_(detail::thread_state.bulk) {
  GEMEL_CHECK(size >= 1, "[engine] Bulk: expected a size of at least 1, got {}", size);
  detail::flush_bulk();
  detail::thread_state.bulk = new detail::BulkBuffer(size);
}

Bulk::~Bulk() {
  detail::flush_bulk();
  delete detail::thread_state.bulk;
  detail::thread_state.bulk = outer_;
}

}  // namespace gemel::engine
