// The part of push() that must be inlined: a small task whose tags are free runs on the caller,
// without a lock, an allocation or a boxed closure. Included by engine.h only.
//
// As long as one thread alone pushes (the usual program), that thread is the engine's *solo owner*:
// nobody else can take a tag, so it need not mark the tags of an inline task at all, only look that
// they are free. The first push from another thread ends this for good: it clears the owner, makes
// every core see that (membarrier) and waits until the owner is not `busy`. A push nested in an
// unmarked inline task marks its tags first. Small tasks must therefore not block.
#pragma once
#include <atomic>
#include <utility>

#include "engine/function.h"

namespace gemel::engine::detail {

struct Task;
class BulkBuffer;
class TraceBuffer;

// One running task on this thread's stack.
struct Frame {
  const TaskOptions* options = nullptr;  // an inline task, or
  const Task* task = nullptr;            // a queued one
  Frame* outer = nullptr;
  bool marked = true;       // its tags' words say that they are held
  uint64_t held_reads = 0;  // marked inline tasks: bit i for reads[i] (duplicates are held once)
  uint64_t held_writes = 0;
  int64_t started = 0;  // when traced
};

struct ThreadState {
  Frame* frame = nullptr;  // the innermost running task
  BulkBuffer* bulk = nullptr;
  TraceBuffer* trace = nullptr;
  int depth = 0;    // frames on this thread
  int worker = -1;  // index among the compute workers
};

// Static TLS: one load, also from other shared objects. Plain data, so that no wrapper is called.
extern GEMEL_EXPORT __thread ThreadState thread_state __attribute__((tls_model("initial-exec")));

enum Modes : uint32_t { mode_tracing = 1, mode_synchronous = 2, mode_chaos = 4 };

struct alignas(64) FastPath {
  std::atomic<ThreadState*> solo_owner{nullptr};
  std::atomic<bool> solo_busy{false};
  std::atomic<uint32_t> modes{0};
};
extern GEMEL_EXPORT FastPath fast_path;

// These may not fail for a reason of the task's own; false means: queue it.
GEMEL_EXPORT bool begin_inline_marked(Frame& frame, const TaskOptions& options);
GEMEL_EXPORT void end_inline_marked(Frame& frame);
GEMEL_EXPORT void fail_inline(Frame& frame, std::exception_ptr error);
GEMEL_EXPORT void enqueue(Function work, const TaskOptions& options);

inline bool all_free(const TaskOptions& options) {
  if (options.reads.size() > 64 || options.writes.size() > 64) return false;  // bits of a Frame
  for (Tag* tag : options.writes) {
    if (tag->word.load(std::memory_order_acquire) != 0) return false;
  }
  for (Tag* tag : options.reads) {
    if (tag->word.load(std::memory_order_acquire) & ~reader_field) return false;
  }
  return true;
}

inline bool begin_inline(Frame& frame, const TaskOptions& options) {
  ThreadState& thread = thread_state;
  frame.options = &options;
  if (fast_path.solo_owner.load(std::memory_order_relaxed) != &thread || thread.frame ||
      thread.bulk ||
      (fast_path.modes.load(std::memory_order_relaxed) & (mode_tracing | mode_chaos))) {
    return begin_inline_marked(frame, options);
  }
  fast_path.solo_busy.store(true, std::memory_order_relaxed);
  std::atomic_signal_fence(std::memory_order_seq_cst);  // the other side runs membarrier
  if (fast_path.solo_owner.load(std::memory_order_relaxed) == &thread && all_free(options)) {
    for (Tag* tag : options.writes) tag->note_write();
    frame.marked = false;
    thread.frame = &frame;
    return true;
  }
  fast_path.solo_busy.store(false, std::memory_order_release);
  return false;
}

inline void end_inline(Frame& frame) {
  if (frame.marked) return end_inline_marked(frame);
  thread_state.frame = nullptr;
  fast_path.solo_busy.store(false, std::memory_order_release);
}

}  // namespace gemel::engine::detail

namespace gemel::engine {

// Runs `work` now and returns true if it may run on the calling thread (see TaskOptions::small);
// otherwise does nothing and returns false. For callers whose queued form is costlier to make.
template <typename Work>
bool try_inline(Work&& work, const TaskOptions& options) {
  if (!options.small &&
      !(detail::fast_path.modes.load(std::memory_order_relaxed) & detail::mode_synchronous)) {
    return false;
  }
  if (options.cancellation) return false;
  detail::Frame frame;
  if (!detail::begin_inline(frame, options)) return false;
  try {
    work();
  } catch (...) {
    detail::fail_inline(frame, std::current_exception());
  }
  detail::end_inline(frame);
  return true;
}

template <typename Work>
void push(Work&& work, const TaskOptions& options) {
  if (try_inline(work, options)) return;
  detail::enqueue(Function(std::forward<Work>(work)), options);
}

}  // namespace gemel::engine
