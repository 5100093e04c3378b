// The scheduler behind engine.h: queues of tags, crews of workers, failures. Internal.
//
// One lock guards everything but the tags' words. A push takes it once, a worker once per task
// (to finish one and fetch the next). It is never held while user code runs or dies.
#pragma once
#include <array>
#include <condition_variable>
#include <mutex>
#include <vector>

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

  // Takes the task. Outside a task it waits while too many bytes are queued.
  void submit(Task* task);
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
  void configure(const Configuration& configuration);
  void shut_down();
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
    void sleep(std::condition_variable& wake) { wake.wait(held_); }

   private:
    void flush();
    Scheduler& scheduler_;
    std::unique_lock<std::mutex> held_;
  };
  Scheduler();
  void apply(const Configuration& configuration);
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
  int64_t outstanding_ = 0;
  int64_t queued_bytes_ = 0;
  int64_t max_queued_bytes_ = 0;
  int completing_ = -1;  // the resource whose worker is about to fetch its next task
  std::array<int, 4> notify_{};
  bool notify_waiters_ = false;
  bool stopping_ = false;
  Configuration configuration_;
};

}  // namespace gemel::engine::detail
