// Waiting for tags and for everything.
#include <algorithm>
#include <string>

#include "base/error.h"
#include "engine/bulk.h"
#include "engine/poison.h"
#include "engine/scheduler.h"
#include "engine/solo.h"
#include "engine/trace_buffer.h"

namespace gemel::engine::detail {
namespace {

constexpr int wait_spins = 100;

std::string text_of(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const std::exception& e) {
    return e.what();
  } catch (...) {
    return "an exception that is not a std::exception";
  }
}

bool same_or_above(const Tag* candidate, const Tag* tag) {
  for (; tag; tag = tag->parent()) {
    if (tag == candidate) return true;
  }
  return false;
}

// Whether a frame of this thread uses the tag, a tag above it or a region of it.
bool held_by_this_thread(const Tag& tag) {
  auto touches = [&](const Tag* other, bool intent) {
    return other == &tag || (!intent && same_or_above(other, &tag)) || same_or_above(&tag, other);
  };
  for (const Frame* frame = thread_state.frame; frame; frame = frame->outer) {
    if (frame->options) {
      for (const Tag* other : frame->options->reads)
        if (touches(other, false)) return true;
      for (const Tag* other : frame->options->writes)
        if (touches(other, false)) return true;
    }
    if (!frame->task) continue;
    for (const Access& access : frame->task->accesses) {
      bool intent = access.mode == Mode::intent_read || access.mode == Mode::intent_write;
      if (touches(access.tag, intent)) return true;
    }
  }
  return false;
}

struct Request {
  Task task;
  Waiter waiter;
  Request(Tag& tag, bool write) {
    AccessTable table;
    add_access(task, table, &tag, true, write);
    task.waiter = &waiter;
  }
  ~Request() {
    for (Access& access : task.accesses) access.tag->release();
  }
};

}  // namespace

void Scheduler::wait(Tag& tag, bool write) {
  flush_bulk();
  if (thread_state.frame) return wait_inside_task(tag, write);
  uint64_t word = tag.word.load(std::memory_order_acquire);
  uint64_t busy = mode_conflicts[static_cast<int>(write ? Mode::write : Mode::read)];
  if (!(word & (busy | queued_bit | poisoned_bit | split_bit))) return;

  const int64_t started = tracing() ? trace_now() : 0;
  Request request(tag, write);
  {
    Lock lock(*this);
    register_task(&request.task);
    settle();
  }
  std::atomic<bool>& done = request.waiter.done;
  const bool alone = fast_path.modes.load(std::memory_order_relaxed) & mode_chaos;
  for (int i = 0; !alone && i < wait_spins && !done.load(std::memory_order_acquire); ++i)
    spin_pause();
  if (!done.load(std::memory_order_acquire)) {
    Lock lock(*this);
    run_until(lock, [&] { return done.load(std::memory_order_acquire); });
  }
  if (started) trace_wait(tag.name() ? tag.name() : "wait", &tag, started);
  if (!request.waiter.poison) return;
  {
    Lock lock(*this);
    note_reported(*request.waiter.poison);
  }
  std::rethrow_exception(request.waiter.poison->error);
}

// A program that collects its errors where they are read may never call wait_all().
void Scheduler::note_reported(Failure& failure) {
  if (std::exchange(failure.reported, true)) return;
  const auto found = std::find(failures_.rbegin(), failures_.rend(), Ref<Failure>(&failure));
  if (found == failures_.rend()) return;
  dropped_.push_back(std::move(*found));  // dies outside the lock
  failures_.erase(std::next(found).base());
}

void Scheduler::wait_inside_task(Tag& tag, bool write) {
  GEMEL_CHECK(!held_by_this_thread(tag),
              "[engine] a task waits for a tag ({}) that it holds itself: it would wait forever. "
              "Use the value directly, or wait outside the task",
              tag.name() ? tag.name() : "unnamed");
  Request request(tag, write);
  Ref<Failure> poison;
  bool free = true;
  {
    Lock lock(*this);
    for (const Access& access : request.task.accesses) {
      uint64_t busy = mode_conflicts[static_cast<int>(access.mode)] | queued_bit;
      free &= !(access.tag->word.load(std::memory_order_acquire) & busy);
      if (access.reads && !poison) poison = Ref<Failure>(Poison::of(*access.tag));
    }
    if (poison && free) note_reported(*poison);
  }
  GEMEL_CHECK(
      free,
      "[engine] a task waits for a tag ({}) that other tasks still use: its worker could not "
      "run them. Name the tag in the task's reads instead",
      tag.name() ? tag.name() : "unnamed");
  if (poison) std::rethrow_exception(poison->error);
}

void Scheduler::wait_idle() {
  flush_bulk();
  const int64_t started = tracing() ? trace_now() : 0;
  bool waited = false;
  {
    Lock lock(*this);
    waited = outstanding_ != 0;
    run_until(lock, [&] { return outstanding_ == 0; });
  }
  if (waited && started) trace_wait("wait for all", nullptr, started);
}

void Scheduler::wait_all() {
  GEMEL_CHECK(!thread_state.frame,
              "[engine] wait_all() was called inside a task, which would wait for itself");
  wait_idle();
  std::vector<Ref<Failure>> failures;
  {
    Lock lock(*this);
    failures.swap(failures_);
    std::vector<Ref<Failure>> unreported;
    for (Ref<Failure>& failure : failures) {
      if (std::exchange(failure->reported, true)) continue;
      unreported.push_back(failure);  // the rest dies with `failures`, outside the lock
    }
    failures.swap(unreported);
    for (Ref<Failure>& failure : unreported) dropped_.push_back(std::move(failure));
  }
  if (failures.empty()) return;
  if (failures.size() == 1) std::rethrow_exception(failures.front()->error);
  ErrorKind kind = ErrorKind::Internal;
  try {
    std::rethrow_exception(failures.front()->error);
  } catch (const Error& e) {
    kind = e.kind();
  } catch (...) {
  }
  std::string text = fmt::format("[engine] {} tasks failed:", failures.size());
  for (const Ref<Failure>& failure : failures) text += "\n" + text_of(failure->error);
  throw_error(kind, std::move(text));
}

}  // namespace gemel::engine::detail
