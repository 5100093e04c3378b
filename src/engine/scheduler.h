// The scheduler behind engine.h: queues of tags, crews of workers, failures. Internal.
//
// One lock guards everything but the tags' words. A push takes it once, a worker once per task
// (to finish one and fetch the next). It is never held while user code runs or dies.
#pragma once
#include <array>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <vector>

#include "engine/chaos.h"
#include "engine/engine.h"
#include "engine/ready_queue.h"
#include "engine/task.h"

namespace gemel::engine::detail {

// For a few turns of a loop that another core is about to end.
inline void spin_pause() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#else
  std::this_thread::yield();
#endif
}

// Work inside a running task that idle compute workers may join (see Graph).
class Helpable {
 public:
  virtual ~Helpable() = default;
  virtual bool wants_help() const = 0;
  virtual void help() = 0;  // returns when there is nothing to do right now

 private:
  friend class Scheduler;
  int helpers_ = 0;
};

class Scheduler {
 public:
  static Scheduler& get();  // never destroyed

  // Takes the task. Outside a task it waits while too many bytes are queued, unless told not to.
  void submit(Task* task, bool may_wait = true);
  void throttle();
  // Ends an asynchronous task, from any thread.
  void finish(Task* task, std::exception_ptr error);
  // An inline task failed while its tags are marked.
  void fail(const TaskOptions& options, std::exception_ptr error);
  // A failure that belongs to no tag: only wait_all reports it.
  void note_failure(std::exception_ptr error);
  // Serves the queue of a tag that was given back without the lock.
  void grant_waiters(Tag* const* tags, int count);
  // The naive engine, at the end of an outermost inline task: what was pushed too deep to run.
  void run_deferred();

  void wait(Tag& tag, bool write);
  void wait_all();
  void wait_idle();
  void configure(const Configuration& configuration);
  void shut_down();
  void leave();
  void prepare_fork();
  // Around fork(), also one that nobody announced.
  void before_fork();
  void after_fork_in_parent();
  void after_fork_in_child();
  // The chaos engine: a seed for the order inside the running task. False in other engines.
  bool draw_order(uint64_t& seed);
  Configuration configuration();
  int compute_workers() const { return compute_limit_.load(std::memory_order_relaxed); }

  std::vector<Ref<Tag>> split(Tag& parent, int n);
  void detach(Tag& tag);  // from the tag's destructor

  void offer(Helpable* work, int helpers);
  void retract(Helpable* work);  // returns when nobody helps any more
  void more_help();              // something of an offered work became ready

 private:
  // Spins a little before it sleeps; after unlocking it wakes whom the critical section chose and
  // lets go of what it dropped.
  class Lock {
   public:
    enum Deferred { deferred };
    explicit Lock(Scheduler& scheduler) : scheduler_(scheduler) { lock(); }
    Lock(Scheduler& scheduler, Deferred) : scheduler_(scheduler) {}
    ~Lock() {
      if (held_.owns_lock()) unlock();
    }
    void lock();
    void unlock();
    // Sleeps until `condition`; counted so that completions notify only if somebody sleeps.
    template <typename Condition>
    void wait(Condition condition) {
      ++scheduler_.waiting_;
      flush();
      scheduler_.waiters_.wait(held_, condition);
      --scheduler_.waiting_;
    }
    // As wait(); false when the time is over first.
    template <typename Condition>
    bool wait_for(std::chrono::milliseconds time, Condition condition) {
      ++scheduler_.waiting_;
      flush();
      const bool met = scheduler_.waiters_.wait_for(held_, time, condition);
      --scheduler_.waiting_;
      return met;
    }
    void sleep(std::condition_variable& wake) { wake.wait(held_); }

   private:
    void flush();
    Scheduler& scheduler_;
    std::unique_lock<std::mutex> held_;
  };
  Scheduler();
  void apply(const Configuration& configuration);
  void register_at_fork_and_exit();
  void become_synchronous();
  // Waits until `condition`; the chaos engine runs tasks meanwhile. With a time limit, false when
  // it is over first.
  template <typename Condition>
  bool run_until(Lock& lock, Condition condition, int64_t most_milliseconds = -1);
  void submit_chaos(Lock& lock, Task* task, bool may_wait);
  void use_chaos(std::unique_ptr<Chaos> chaos);
  bool quiesce(Lock& lock, int64_t most_milliseconds);
  void join_workers(Lock& lock);
  bool dropped_at_exit(const Task& task) const {
    return leaving_.load(std::memory_order_relaxed) && !task.effect && !task.finaliser;
  }
  void stop_workers(Lock& lock);
  void resume(Lock& lock);  // what another thread has pushed while the workers were stopped
  void start_worker(Resource resource);
  void work(Resource resource, int index);
  Helpable* find_help();

  void submit_synchronous(Lock& lock, Task* task);
  void drain(Lock& lock);
  void register_task(Task* task);
  void grant(Tag& tag);
  void release(Task* task);
  void settle();
  void make_ready(Task* task);
  // Runs a ready task; the lock is held before and after. The task may be gone afterwards.
  void execute(Lock& lock, Task* task);
  static bool may_be_poisoned(const Task& task);
  // What makes a ready task skip; prepares a bulk. Not locked before and after.
  Ref<Failure> inherit(Lock& lock, Task* task);
  void complete(Lock& lock, Task* task, std::exception_ptr error, Ref<Failure> failure,
                bool fetches_next);
  Ref<Failure> add_failure(std::exception_ptr error);
  void note_reported(Failure& failure);
  void wait_inside_task(Tag& tag, bool write);
  bool synchronous() const {
    return fast_path.modes.load(std::memory_order_relaxed) & mode_synchronous;
  }

  std::mutex mutex_;
  std::array<Crew, 4> crews_;
  std::vector<Task*> granted_;  // all accesses granted, not yet in a queue
  std::vector<Helpable*> offers_;
  std::vector<Ref<Failure>> failures_;  // not yet reported
  std::vector<Ref<Failure>> dropped_;   // die outside the lock
  Task* finished_ = nullptr;            // to be recycled outside the lock
  std::condition_variable waiters_;     // threads in wait(), wait_all(), back pressure, retract()
  int waiting_ = 0;
  int waiting_for_space_ = 0;
  std::atomic<int> sleeping_compute_{0};
  std::atomic<int> offered_{0};
  std::atomic<int> compute_limit_{1};
  std::unique_ptr<Chaos> chaos_;
  std::atomic<bool> leaving_{false}, left_{false};
  int64_t outstanding_ = 0;
  int64_t effects_ = 0;  // outstanding tasks with an effect
  int64_t queued_bytes_ = 0;
  int64_t max_queued_bytes_ = 0;
  int completing_ = -1;  // the resource whose worker is about to fetch its next task
  std::array<int, 4> notify_{};
  bool notify_waiters_ = false;
  bool stopping_ = false;
  Configuration configuration_;
};

template <typename Condition>
bool Scheduler::run_until(Lock& lock, Condition condition, int64_t most_milliseconds) {
  using Clock = std::chrono::steady_clock;
  const Clock::time_point start = Clock::now();
  constexpr int64_t replay_patience = 10'000;
  for (;;) {
    if (condition()) return true;
    if (Task* next = chaos_ ? chaos_->choose() : nullptr) {
      execute(lock, next);
      continue;
    }
    // What is ready but was not chosen waits for its turn in a replayed order.
    const bool refused = chaos_ && chaos_->has_ready();
    auto changed = [&, ready = chaos_ ? chaos_->ready_count() : 0] {
      return condition() || (chaos_ && chaos_->ready_count() != ready);
    };
    if (most_milliseconds < 0 && !refused) {
      lock.wait(changed);
      continue;
    }
    const int64_t left =
        most_milliseconds < 0
            ? replay_patience
            : most_milliseconds -
                  std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - start)
                      .count();
    if (lock.wait_for(std::chrono::milliseconds(std::max<int64_t>(left, 0)), changed)) continue;
    if (refused && chaos_) chaos_->give_up_replay();
    if (most_milliseconds >= 0) return false;
  }
}

}  // namespace gemel::engine::detail
