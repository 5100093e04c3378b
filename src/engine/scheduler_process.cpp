// The scheduler when the process forks or ends.
#include <pthread.h>

#include <cstdlib>
#include <new>
#include <string>

#include "base/log.h"
#include "engine/bulk.h"
#include "engine/scheduler.h"
#include "engine/settings.h"
#include "engine/solo.h"

namespace gemel::engine::detail {
namespace {

constexpr int64_t fork_patience = 5'000;  // milliseconds: a task may want a lock that the forking
                                          // thread holds
constexpr int64_t exit_patience = 3'000;

// Memory of what the other threads of the parent used: given up, not destroyed.
template <typename T>
void renew(T& object) {
  new (&object) T;
}

}  // namespace

void Scheduler::register_at_fork_and_exit() {
  pthread_atfork([] { get().before_fork(); }, [] { get().after_fork_in_parent(); },
                 [] { get().after_fork_in_child(); });
  // A program in C or C++ ends by exit(): before static objects go that tasks may use. The thread
  // that ends has lost its thread-local objects already, so another one runs what is to be run.
  std::atexit([] {
    if (!thread_state.frame && !get().left_) std::thread([] { get().leave(); }).join();
  });
}

bool Scheduler::quiesce(Lock& lock, int64_t most_milliseconds) {
  if (thread_state.frame) return false;  // the task that forks cannot wait for itself
  if (!run_until(
          lock, [&] { return outstanding_ == 0; }, most_milliseconds))
    return false;
  join_workers(lock);
  return true;
}

void Scheduler::prepare_fork() {
  flush_bulk();
  Lock lock(*this);
  quiesce(lock, fork_patience);
}

void Scheduler::before_fork() {
  mark_outer_frame();
  flush_bulk();
  {
    Lock lock(*this);
    if (!quiesce(lock, fork_patience) && !thread_state.frame) {
      log::warning("[engine] fork while {} tasks are not done: the child has none of their results",
                   outstanding_);
    }
  }
  mutex_.lock();  // no other thread is inside while the memory is copied
}

void Scheduler::after_fork_in_parent() { mutex_.unlock(); }

void Scheduler::after_fork_in_child() {
  mutex_.unlock();  // this thread has locked it
  renew(waiters_);
  for (Crew& crew : crews_) renew(crew);  // its threads stayed in the parent
  renew(granted_);
  renew(offers_);
  if (chaos_) static_cast<void>(chaos_.release());  // the order's file is the parent's
  waiting_ = waiting_for_space_ = 0;
  sleeping_compute_ = offered_ = 0;
  notify_ = {};
  notify_waiters_ = stopping_ = false;
  completing_ = -1;
  outstanding_ = queued_bytes_ = effects_ = 0;
  for (const Frame* frame = thread_state.frame; frame; frame = frame->outer) {
    if (!frame->task) continue;  // forked inside this task, which ends here
    ++outstanding_;
    queued_bytes_ += frame->task->bytes;
    effects_ += frame->task->effect;
  }
  thread_state.worker = -1;
  fast_path.modes.fetch_and(~uint32_t{mode_tracing});  // the trace is the parent's
  configuration_.compute_workers = 1;
  left_ = false;
  become_synchronous();
  limit_openmp_threads_to_one();  // the threads of its pool stayed in the parent, too
  reset_pushers_after_fork();
}

void Scheduler::leave() {
  if (thread_state.frame) return;
  flush_bulk();
  Lock lock(*this);
  while (!run_until(
      lock, [&] { return effects_ == 0; }, exit_patience))
    log::warning("[engine] the end of the process waits for {} tasks with an effect", effects_);
  leaving_ = true;
  const bool idle = run_until(
      lock, [&] { return outstanding_ == 0; }, exit_patience);
  if (idle) {
    join_workers(lock);
  } else {
    log::warning("[engine] the process ends while {} tasks are not done", outstanding_);
    for (Crew& crew : crews_)
      for (std::thread& thread : crew.threads) thread.detach();
  }
  become_synchronous();
  left_ = true;
  if (idle) resume(lock);
}

bool Scheduler::draw_order(uint64_t& seed) {
  if (!(fast_path.modes.load(std::memory_order_relaxed) & mode_chaos)) return false;
  Lock lock(*this);
  if (!chaos_) return false;
  seed = chaos_->draw(nullptr);
  return true;
}

void Scheduler::use_chaos(std::unique_ptr<Chaos> chaos) {
  if (chaos_) {
    for (Task* task : chaos_->take_ready()) crews_[0].queue.push(task);
  }
  chaos_ = std::move(chaos);
  if (chaos_)
    fast_path.modes.fetch_or(mode_chaos);
  else
    fast_path.modes.fetch_and(~uint32_t{mode_chaos});
}

}  // namespace gemel::engine::detail
