#include "engine/engine.h"

#include <mutex>
#include <string_view>
#include <unordered_set>

#include "base/error.h"
#include "engine/bulk.h"
#include "engine/scheduler.h"
#include "engine/solo.h"
#include "engine/trace.h"

namespace gemel::engine {
namespace {

using detail::Scheduler;
using detail::Task;
using detail::thread_state;

Task* make_task(Function work, const TaskOptions& options) {
  static thread_local detail::AccessTable table;
  Task* task = detail::allocate_task();
  task->function = std::move(work);
  task->priority = options.priority;
  task->resource = options.resource;
  task->name = options.name;
  task->bytes = options.bytes;
  task->finaliser = options.finaliser;
  task->effect = options.effect;
  if (options.cancellation) task->cancellation = Ref<Cancellation>(options.cancellation);
  table.clear();
  for (Tag* tag : options.writes) detail::add_access(*task, table, tag, false, true);
  for (Tag* tag : options.reads) detail::add_access(*task, table, tag, true, false);
  if (tracing()) task->pushed = trace_now();
  return task;
}

// The end of an asynchronous task, shared by the copies of its Completion.
struct AsynchronousEnd {
  explicit AsynchronousEnd(Task* t) : task(t) {}
  ~AsynchronousEnd() {
    finish(std::make_exception_ptr(
        Error(ErrorKind::Internal,
              fmt::format("[{}] the task dropped its completion without calling it", task_name))));
  }
  void finish(std::exception_ptr error) {
    if (!finished.exchange(true)) Scheduler::get().finish(task, std::move(error));
  }
  Task* task;
  const char* task_name = task->name;
  std::atomic<bool> finished{false};
};

}  // namespace

namespace detail {

void enqueue(Function work, const TaskOptions& options) {
  mark_outer_frame();
  if (BulkBuffer* bulk = thread_state.bulk) {
    if (bulk->collect(work, options)) return;
  }
  join_pushers();
  Scheduler::get().submit(make_task(std::move(work), options));
}

}  // namespace detail

void push_async(std::function<void(Completion)> work, const TaskOptions& options) {
  detail::mark_outer_frame();
  detail::flush_bulk();
  detail::join_pushers();
  auto start = [work = std::move(work)] {
    auto end = std::make_shared<AsynchronousEnd>(const_cast<Task*>(thread_state.frame->task));
    std::exception_ptr thrown;
    try {
      work([end](std::exception_ptr error) { end->finish(std::move(error)); });
    } catch (...) {
      thrown = std::current_exception();
    }
    if (thrown) end->finish(std::move(thrown));
  };
  Task* task = make_task(Function(std::move(start)), options);
  task->asynchronous = true;
  Scheduler::get().submit(task);
}

void push_run(std::vector<Function> functions, const TaskOptions& options) {
  push(
      [functions = std::move(functions)]() mutable {
        for (Function& function : functions) function();
      },
      options);
}

void delete_tag(Ref<Tag> tag, std::function<void()> then) {
  Tag* const writes[] = {tag.get()};
  detail::mark_outer_frame();
  bool collected = thread_state.bulk && tag && thread_state.bulk->uses(tag.get());
  uint64_t word = tag ? tag->word.load(std::memory_order_acquire) : 0;
  if (!collected && !(word & ~detail::poisoned_bit)) {
    if (!then) return;
    try {
      then();
    } catch (...) {
      Scheduler::get().note_failure(std::current_exception());
    }
    return;
  }
  auto last = [tag, then = std::move(then)] {
    if (then) then();
  };
  TaskOptions options{.writes = writes, .name = "delete", .finaliser = true};
  if (collected) {
    thread_state.bulk->append(Function(std::move(last)), {}, writes, options.name);
    return;
  }
  // Nobody else can push a use of this tag, so the solo owner keeps its right.
  Scheduler::get().submit(make_task(Function(std::move(last)), options));
}

void wait_for_read(Tag& tag) {
  detail::mark_outer_frame();
  Scheduler::get().wait(tag, false);
}

void wait_for_write(Tag& tag) {
  detail::mark_outer_frame();
  Scheduler::get().wait(tag, true);
}

namespace {
std::atomic<void (*)()> push_held{nullptr};
void push_everything_held() {
  if (void (*push_all)() = push_held.load(std::memory_order_acquire)) push_all();
}
}  // namespace

void set_push_held(void (*push_all)()) { push_held.store(push_all, std::memory_order_release); }

void throttle() { Scheduler::get().throttle(); }

void wait_all() {
  push_everything_held();
  Scheduler::get().wait_all();
}

void set_blocking_hooks(void* (*leave)(), void (*enter)(void*)) {
  detail::set_language_hooks(leave, enter);
}

bool inside_task() { return thread_state.frame != nullptr; }

int worker_index() { return thread_state.worker; }

void configure(const Configuration& configuration) {
  push_everything_held();
  Scheduler::get().configure(configuration);
}
Configuration configuration() { return Scheduler::get().configuration(); }
int compute_workers() { return Scheduler::get().compute_workers(); }
void shut_down() {
  push_everything_held();
  Scheduler::get().shut_down();
}
void leave() { Scheduler::get().leave(); }
void prepare_fork() {
  push_everything_held();
  Scheduler::get().prepare_fork();
}

const char* intern_name(std::string_view name) {
  static auto* mutex = new std::mutex;
  static auto* names = new std::unordered_set<std::string>;  // nodes never move
  std::lock_guard lock(*mutex);
  return names->emplace(name).first->c_str();
}

}  // namespace gemel::engine
