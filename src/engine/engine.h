// The dependency engine. A task names the tags it reads and the tags it writes; the engine runs
// it when they are free. For one tag: many readers or one writer at a time, in push order.
//
//   engine::push([=] { compute(); }, {.reads = {&a}, .writes = {&b}, .name = "compute"});
//   engine::wait_for_read(b);           // returns when every write pushed so far is done, or
//   throws
//
// Errors: a task that throws poisons the tags it writes. A task that reads a poisoned tag is
// skipped and poisons its own. Waiting on a poisoned tag throws the original error. A later task
// that writes a tag without reading it (a complete write) heals it. wait_all() throws each failure
// once. push() itself never throws for a failed task, also when it ran the task inline.
#pragma once
#include <atomic>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/export.h"
#include "base/intrusive.h"
#include "engine/function.h"
#include "engine/tag.h"

namespace gemel::engine {

namespace detail {
class BulkBuffer;
}

// A request to give work up. Tasks pushed with it that have not started when cancel() is called are
// skipped in their turn: what they would have written is poisoned with Error(Cancelled), which
// wait_all() does not report. A task that runs may ask cancelled() and throw. Any thread.
class GEMEL_EXPORT Cancellation : public Counted<Cancellation> {
 public:
  void cancel() { cancelled_.store(true, std::memory_order_release); }
  bool cancelled() const { return cancelled_.load(std::memory_order_acquire); }

 private:
  std::atomic<bool> cancelled_{false};
};

// Which workers run a task: compute tasks use the cores, the others mostly wait.
enum class Resource : uint8_t { compute, copy, io, network };

// Called once by an asynchronous task when its work is done, from any thread; null means success.
using Completion = std::function<void(std::exception_ptr)>;

struct TaskOptions {
  std::span<Tag* const> reads = {};   // duplicates, also between reads and writes, are allowed:
  std::span<Tag* const> writes = {};  // a tag in both counts as written and as read (no healing)
  Resource resource = Resource::compute;
  int priority = 0;           // higher runs earlier among ready tasks
  const char* name = "task";  // must outlive the process' trace: a literal or intern_name()
  int64_t bytes = 0;          // counted against the queue bound (back pressure)
  bool small = false;         // may run on the calling thread when every tag is free: short, and
                              // waits for nothing that another pushing thread may hold
  bool finaliser = false;     // runs even if what it reads is poisoned; heals what it writes
  bool effect = false;        // seen outside the process' memory: runs also when the process ends
  Cancellation* cancellation = nullptr;
};

// A pooled name that lives until the process ends.
GEMEL_EXPORT const char* intern_name(std::string_view name);

// Pushes work that is done when `work` returns. Small work on free tags runs before push returns,
// without allocation.
template <typename Work>
void push(Work&& work, const TaskOptions& options);

// Pushes work that is done when the Completion it was given is called.
GEMEL_EXPORT void push_async(std::function<void(Completion)> work, const TaskOptions& options);

// Pushes a prepared run of functions as one task; the first that throws ends it.
GEMEL_EXPORT void push_run(std::vector<Function> functions, const TaskOptions& options);

// One of the functions that a fused push stands for.
struct Part {
  Function work;
  std::span<Tag*const> reads, writes;
  const char* name = "task";
};
// Pushes `whole`, which does at once what the parts do one after the other, as one task. Where one
// of their tags is poisoned the parts run instead, so that failures skip and poison as if each had
// been pushed by itself. Of `options` only name, bytes and priority count. Never waits for space in
// the queue, so it may be called under a lock; call throttle() when none is held.
GEMEL_EXPORT void push_fused(Function whole, std::span<Part> parts, const TaskOptions& options);
// Waits while too many bytes are queued (back pressure); returns at once inside a task.
GEMEL_EXPORT void throttle();
// Pushes what a layer above holds back, on every thread: called before everything is waited for.
// Set once.
GEMEL_EXPORT void set_push_held(void (*push_all)());

// Releases the tag after every task pushed so far that uses it, then runs `then`. Counts as a
// write.
GEMEL_EXPORT void delete_tag(Ref<Tag> tag, std::function<void()> then);

// Blocks until the writes (respectively all uses) of the tag pushed so far are done; throws the
// tag's poison. Throws when called from a task that holds or depends on the tag.
GEMEL_EXPORT void wait_for_read(Tag& tag);
GEMEL_EXPORT void wait_for_write(Tag& tag);
// Blocks until nothing is queued or running; throws the failures not yet reported (joined texts).
GEMEL_EXPORT void wait_all();

// Called around a wait that blocks, on the waiting thread: a language with a global lock lets go of
// it in `leave`, whose result `enter` gets. Set once, before anything waits.
GEMEL_EXPORT void set_blocking_hooks(void* (*leave)(), void (*enter)(void*));

// Runs on a worker or inline inside a task right now.
GEMEL_EXPORT bool inside_task();
// Which compute worker this thread is, from 0; -1 for every other thread.
GEMEL_EXPORT int worker_index();

// While one lives, small tasks of this thread are collected and pushed as one (MXNet's bulk): at
// `size` tasks, at a wait of this thread, before any other push of this thread, and at the end.
// Failures skip and poison as if each task had been pushed by itself.
class GEMEL_EXPORT Bulk {
 public:
  explicit Bulk(int size);
  ~Bulk();
  Bulk(const Bulk&) = delete;
  Bulk& operator=(const Bulk&) = delete;

 private:
  detail::BulkBuffer* outer_;
};

struct Configuration {
  // "threaded"; "naive" (each push runs its task at once); "chaos", "chaos:SEED", "chaos:FILE": the
  // threads that push and wait run the tasks in a random legal order, which the seed repeats as
  // long as one thread pushes and no task is asynchronous. Otherwise the order is recorded in the
  // file of the setting chaos_order, and "chaos:FILE" replays it.
  std::string kind = "threaded";
  int compute_workers = 0;       // 0: the cores divided by OpenMP's threads per worker
  int64_t max_queued_bytes = 0;  // 0: a quarter of physical memory
};
// Waits for all work, then restarts the workers as told. Not from inside a task.
GEMEL_EXPORT void configure(const Configuration& configuration);
GEMEL_EXPORT Configuration configuration();
GEMEL_EXPORT int compute_workers();
// Waits for all work and joins the workers; called at exit by the Python extension. Pushes after
// that run synchronously.
GEMEL_EXPORT void shut_down();
// At the end of the process: runs the queued tasks that have an effect and what these need, drops
// the others, and shuts down. Tasks that do not end within seconds are named and left behind.
GEMEL_EXPORT void leave();
// Before a fork, while the caller holds nothing that a task may want: waits for all work and joins
// the workers, which start again when needed. The child of a fork has the naive engine.
GEMEL_EXPORT void prepare_fork();

}  // namespace gemel::engine

#include "engine/push-inl.h"
