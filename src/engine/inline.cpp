// Inline tasks whose tags are marked: more than one thread pushes, or the task is nested or traced.
#include "base/error.h"
#include "engine/scheduler.h"
#include "engine/solo.h"
#include "engine/trace_buffer.h"

namespace gemel::engine::detail {
namespace {

constexpr int deepest_inline = 64;  // a task that pushes a task that pushes ... is queued at last

bool among(std::span<Tag* const> tags, const Tag* tag) {
  for (const Tag* other : tags) {
    if (other == tag) return true;
  }
  return false;
}

// Gives the marked tags back and serves who came to wait for them meanwhile.
void give_back(Frame& frame) {
  const TaskOptions& options = *frame.options;
  Tag* waited[128];
  int count = 0;
  for (size_t i = 0; frame.held_writes >> i; ++i) {
    if (!(frame.held_writes >> i & 1)) continue;
    options.writes[i]->note_write();
    uint64_t before = options.writes[i]->word.fetch_sub(writer_bit, std::memory_order_acq_rel);
    if (before & queued_bit) waited[count++] = options.writes[i];
    if (i == 63) break;
  }
  for (size_t i = 0; frame.held_reads >> i; ++i) {
    if (!(frame.held_reads >> i & 1)) continue;
    uint64_t before = options.reads[i]->word.fetch_sub(reader_unit, std::memory_order_acq_rel);
    if (before & queued_bit) waited[count++] = options.reads[i];
    if (i == 63) break;
  }
  frame.held_reads = frame.held_writes = 0;
  if (count > 0) Scheduler::get().grant_waiters(waited, count);
}

bool mark(Frame& frame, const TaskOptions& options) {
  if (options.writes.size() > 64 || options.reads.size() > 64) return false;
  for (size_t i = 0; i < options.writes.size(); ++i) {
    uint64_t expected = 0;
    if (options.writes[i]->word.compare_exchange_strong(expected, writer_bit,
                                                        std::memory_order_acq_rel)) {
      frame.held_writes |= uint64_t{1} << i;
    } else if (!among(options.writes.first(i), options.writes[i])) {
      return false;
    }
  }
  for (size_t i = 0; i < options.reads.size(); ++i) {
    std::atomic<uint64_t>& word = options.reads[i]->word;
    uint64_t expected = 0;
    while (
        !word.compare_exchange_weak(expected, expected + reader_unit, std::memory_order_acq_rel)) {
      if (expected & ~reader_field) break;
    }
    if (!(expected & ~reader_field))
      frame.held_reads |= uint64_t{1} << i;
    else if (!among(options.writes, options.reads[i]))
      return false;
  }
  return true;
}

}  // namespace

void mark_outer_frame() {
  Frame* frame = thread_state.frame;
  if (!frame || frame->marked) return;
  // Nobody else pushes and the tags were free when the task began: this cannot fail, but for a
  // task with more tags than the masks have bits, which is kept out of the solo path.
  GEMEL_ASSERT(mark(*frame, *frame->options));
  frame->marked = true;
  ++thread_state.depth;
  fast_path.solo_busy.store(false, std::memory_order_release);
}

bool begin_inline_marked(Frame& frame, const TaskOptions& options) {
  ThreadState& thread = thread_state;
  if (thread.bulk || thread.depth >= deepest_inline) return false;
  // Chaos chooses the order of all that is pushed outside of tasks.
  if (!thread.frame && (fast_path.modes.load(std::memory_order_relaxed) & mode_chaos)) return false;
  mark_outer_frame();
  join_pushers();
  bool traced = fast_path.modes.load(std::memory_order_relaxed) & mode_tracing;
  int64_t now = traced ? trace_now() : 0;
  if (!mark(frame, options)) {
    give_back(frame);
    return false;
  }
  frame.started = now;
  frame.outer = thread.frame;
  thread.frame = &frame;
  ++thread.depth;
  return true;
}

void end_inline_marked(Frame& frame) {
  ThreadState& thread = thread_state;
  thread.frame = frame.outer;
  --thread.depth;
  if (frame.started) trace_inline(*frame.options, frame.started);
  give_back(frame);
  if (!frame.outer && (fast_path.modes.load(std::memory_order_relaxed) & mode_synchronous)) {
    Scheduler::get().run_deferred();
  }
}

void fail_inline(Frame& frame, std::exception_ptr error) {
  mark_outer_frame();
  Scheduler::get().fail(*frame.options, std::move(error));
}

}  // namespace gemel::engine::detail
