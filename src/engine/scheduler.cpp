#include "engine/scheduler.h"

#include "base/error.h"
#include "engine/bulk.h"
#include "engine/poison.h"
#include "engine/trace_buffer.h"

namespace gemel::engine::detail {

Scheduler& Scheduler::get() {
  static Scheduler* scheduler = new Scheduler;  // leaked: workers may outlive static objects
  return *scheduler;
}

void Scheduler::Lock::lock() {
  for (int i = 0; i < 64; ++i) {
    held_ = std::unique_lock(scheduler_.mutex_, std::try_to_lock);
    if (held_.owns_lock()) return;
    for (int j = 0; j < 8; ++j) spin_pause();
  }
  held_ = std::unique_lock(scheduler_.mutex_);
}

void Scheduler::Lock::unlock() {
  std::array<int, 4> notify = std::exchange(scheduler_.notify_, {});
  bool notify_waiters = std::exchange(scheduler_.notify_waiters_, false);
  std::vector<Ref<Failure>> dropped;
  if (!scheduler_.dropped_.empty()) dropped.swap(scheduler_.dropped_);
  Task* finished = std::exchange(scheduler_.finished_, nullptr);
  held_.unlock();
  for (int i = 0; i < 4; ++i) {
    for (; notify[i] > 0; --notify[i]) scheduler_.crews_[i].wake.notify_one();
  }
  if (notify_waiters) scheduler_.waiters_.notify_all();
  while (finished) {
    Task* next = finished->next;
    recycle_task(finished);
    finished = next;
  }
}

void Scheduler::Lock::flush() {
  bool pending = scheduler_.notify_waiters_ || scheduler_.finished_ || !scheduler_.dropped_.empty();
  for (int count : scheduler_.notify_) pending |= count > 0;
  if (!pending) return;
  unlock();
  lock();
}

// Push.

void Scheduler::submit(Task* task, bool may_wait) {
  bool inside = thread_state.frame != nullptr;
  Lock lock(*this);
  task->bytes += static_cast<int64_t>(sizeof(Task));
  if (chaos_) return submit_chaos(lock, task, may_wait);
  if (synchronous()) return submit_synchronous(lock, task);
  if (may_wait && !inside && queued_bytes_ > 0 && queued_bytes_ + task->bytes > max_queued_bytes_) {
    const int64_t started = tracing() ? trace_now() : 0;
    ++waiting_for_space_;
    lock.wait(
        [&] { return queued_bytes_ == 0 || queued_bytes_ + task->bytes <= max_queued_bytes_; });
    --waiting_for_space_;
    if (started) trace_wait("wait for room in the queue", nullptr, started);
  }
  register_task(task);
  settle();
}

void Scheduler::throttle() {
  if (thread_state.frame || synchronous()) return;
  Lock lock(*this);
  if (queued_bytes_ <= max_queued_bytes_) return;
  ++waiting_for_space_;
  run_until(lock, [&] { return queued_bytes_ <= max_queued_bytes_; });
  --waiting_for_space_;
}

void Scheduler::submit_synchronous(Lock& lock, Task* task) {
  bool outermost = thread_state.frame == nullptr;
  std::atomic<bool> done{false};
  if (outermost) task->done = &done;
  register_task(task);
  settle();
  if (thread_state.depth < 64) drain(lock);  // deeper: what waits is run further out
  if (!outermost) return;
  // Another thread may hold the tags, or an asynchronous task may still be out.
  while (!done.load(std::memory_order_relaxed)) {
    lock.wait([&] { return done.load(std::memory_order_relaxed) || crews_[0].queue.size() > 0; });
    drain(lock);
  }
}

void Scheduler::submit_chaos(Lock& lock, Task* task, bool may_wait) {
  chaos_->number(*task);
  register_task(task);
  settle();
  if (thread_state.frame || !may_wait) return;
  while (Task* next = chaos_ ? chaos_->choose_after_push() : nullptr) execute(lock, next);
  ++waiting_for_space_;
  run_until(lock, [&] { return queued_bytes_ <= max_queued_bytes_; });
  --waiting_for_space_;
}

void Scheduler::drain(Lock& lock) {
  while (Task* task = crews_[0].queue.pop()) execute(lock, task);
}

void Scheduler::register_task(Task* task) {
  if (!task->waiter) {
    ++outstanding_;
    queued_bytes_ += task->bytes;
    effects_ += task->effect;
  }
  task->pending = 1;  // not ready before every tag was asked
  for (Access& access : task->accesses) {
    access.task = task;
    access.next = nullptr;
    Tag& tag = *access.tag;
    uint64_t conflicts = mode_conflicts[static_cast<int>(access.mode)] | queued_bit;
    uint64_t word = tag.word.load(std::memory_order_acquire);
    for (;;) {
      bool free = !(word & conflicts);
      uint64_t next = free ? word + mode_unit[static_cast<int>(access.mode)] : word | queued_bit;
      if (!tag.word.compare_exchange_weak(word, next, std::memory_order_acq_rel,
                                          std::memory_order_acquire)) {
        continue;
      }
      if (!free) {
        (tag.first_ ? tag.last_->next : tag.first_) = &access;
        tag.last_ = &access;
        ++task->pending;
      }
      break;
    }
  }
  if (--task->pending == 0) granted_.push_back(task);
}

// Hands the tag to as many waiters from the front of its queue as may hold it together.
void Scheduler::grant(Tag& tag) {
  while (Access* access = tag.first_) {
    uint64_t conflicts = mode_conflicts[static_cast<int>(access->mode)];
    uint64_t word = tag.word.load(std::memory_order_acquire);
    for (;;) {
      if (word & conflicts) return;
      uint64_t next = word + mode_unit[static_cast<int>(access->mode)];
      if (!access->next) next &= ~queued_bit;
      if (tag.word.compare_exchange_weak(word, next, std::memory_order_acq_rel,
                                         std::memory_order_acquire)) {
        break;
      }
    }
    tag.first_ = access->next;
    if (--access->task->pending == 0) granted_.push_back(access->task);
  }
}

void Scheduler::grant_waiters(Tag* const* tags, int count) {
  Lock lock(*this);
  for (int i = 0; i < count; ++i) grant(*tags[i]);
  settle();
  if (synchronous()) drain(lock);
}

void Scheduler::run_deferred() {
  if (crews_[0].queue.size() == 0) return;
  Lock lock(*this);
  drain(lock);
}

void Scheduler::release(Task* task) {
  for (Access& access : task->accesses) {
    uint64_t before = access.tag->word.fetch_sub(mode_unit[static_cast<int>(access.mode)],
                                                 std::memory_order_acq_rel);
    if (before & queued_bit) grant(*access.tag);
  }
}

void Scheduler::settle() {
  for (size_t i = 0; i < granted_.size(); ++i) {  // releasing a waiter may append
    Task* task = granted_[i];
    Waiter* waiter = task->waiter;
    if (!waiter) {
      make_ready(task);
      continue;
    }
    for (const Access& access : task->accesses) {
      if (access.reads && !waiter->poison) waiter->poison = Ref<Failure>(Poison::of(*access.tag));
    }
    release(task);
    waiter->done.store(true, std::memory_order_release);  // its thread may leave now
    notify_waiters_ |= waiting_ > 0;
  }
  granted_.clear();
}

void Scheduler::make_ready(Task* task) {
  if (fast_path.modes.load(std::memory_order_relaxed) & mode_tracing) task->ready = trace_now();
  if (chaos_) {
    chaos_->add_ready(task);
    notify_waiters_ |= waiting_ > 0;
    return;
  }
  if (synchronous()) {
    crews_[0].queue.push(task);
    notify_waiters_ |= waiting_ > 0;
    return;
  }
  int resource = static_cast<int>(task->resource);
  Crew& crew = crews_[resource];
  crew.queue.push(task);
  int awake = crew.spinning + crew.woken + (completing_ == resource ? 1 : 0);
  if (crew.queue.size() <= awake) return;
  if (crew.sleeping > crew.woken) {
    ++crew.woken;
    ++notify_[resource];
  } else if (static_cast<int>(crew.threads.size()) < crew.limit && !stopping_) {
    start_worker(task->resource);
  }
}

// Execution.

bool Scheduler::may_be_poisoned(const Task& task) {
  const std::vector<Access>& accesses = task.accesses;
  constexpr size_t ahead = 8;  // another core has touched the tags last
  uint64_t words = 0;
  for (size_t i = 0; i < accesses.size(); ++i) {
    if (i + ahead < accesses.size()) __builtin_prefetch(accesses[i + ahead].tag, 1);
    words |= accesses[i].tag->word.load(std::memory_order_acquire);
  }
  return words & (poisoned_bit | split_bit);
}

Ref<Failure> Scheduler::inherit(Lock& lock, Task* task) {
  Ref<Failure> inherited;
  if (!may_be_poisoned(*task)) return inherited;  // the task holds its tags: this is stable
  lock.lock();
  if (BulkRun* bulk = task->bulk.get()) {
    bulk->poisoned = true;
    bulk->poison.resize(task->accesses.size());
    for (size_t i = 0; i < task->accesses.size(); ++i) {
      bulk->poison[i] = Ref<Failure>(Poison::of(*task->accesses[i].tag));
    }
  } else if (!task->finaliser) {
    for (const Access& access : task->accesses) {
      if (!access.reads) continue;
      if (Failure* failure = Poison::of(*access.tag)) {
        inherited = Ref<Failure>(failure);
        break;
      }
    }
  }
  lock.unlock();
  return inherited;
}

void Scheduler::execute(Lock& lock, Task* task) {
  lock.unlock();
  Ref<Failure> inherited = inherit(lock, task);
  if (!inherited && (dropped_at_exit(*task) ||
                     (task->cancellation && task->cancellation->cancelled() && !task->finaliser))) {
    inherited = make_ref<Failure>(std::make_exception_ptr(Error(
        ErrorKind::Cancelled, fmt::format("[engine] the task {} was cancelled", task->name))));
    inherited->reported = true;  // whoever cancelled it knows
  }
  bool traced = fast_path.modes.load(std::memory_order_relaxed) & mode_tracing;
  if (traced) task->started = trace_now();
  std::exception_ptr error;
  ThreadState& thread = thread_state;
  Frame frame;
  frame.task = task;
  frame.outer = thread.frame;
  thread.frame = &frame;
  ++thread.depth;
  // The naive engine runs tasks on a thread that may be collecting: not theirs.
  BulkBuffer* collecting = std::exchange(thread.bulk, nullptr);
  bool asynchronous = task->asynchronous && !inherited;
  if (asynchronous) {
    task->holders.store(2, std::memory_order_relaxed);
    Function function = std::move(task->function);  // the task may end while it runs
    function();
  } else {
    if (!inherited) {
      try {
        if (task->bulk)
          task->bulk->run(task->accesses.size());
        else if (task->function)
          task->function();
      } catch (...) {
        error = std::current_exception();
      }
    }
    // Here, so that what the closure owned is gone when waiters are told.
    if (task->bulk) task->bulk->drop();
    task->function.reset();
  }
  thread.frame = frame.outer;
  --thread.depth;
  thread.bulk = collecting;
  if (asynchronous) {
    if (task->holders.fetch_sub(1, std::memory_order_acq_rel) == 1) recycle_task(task);
    lock.lock();
    return;
  }
  if (traced) trace_task(*task, static_cast<bool>(inherited));
  complete(lock, task, std::move(error), std::move(inherited), true);
  task->next = finished_;
  finished_ = task;
}

void Scheduler::finish(Task* task, std::exception_ptr error) {
  if (fast_path.modes.load(std::memory_order_relaxed) & mode_tracing) trace_task(*task, false);
  Lock lock(*this, Lock::deferred);
  complete(lock, task, std::move(error), {}, false);
  if (task->holders.fetch_sub(1, std::memory_order_acq_rel) == 1) {
    task->next = finished_;
    finished_ = task;
  }
  if (synchronous()) drain(lock);
}

// Ends a task: not locked before, locked after. The tags are given back outside the lock; the task
// keeps them alive.
void Scheduler::complete(Lock& lock, Task* task, std::exception_ptr error, Ref<Failure> failure,
                         bool fetches_next) {
  BulkRun* bulk = task->bulk.get();
  if (bulk ? bulk->poisoned : error || failure || may_be_poisoned(*task)) {
    lock.lock();
    if (bulk) {
      for (Ref<Failure>& own : bulk->failures) failures_.push_back(std::move(own));
    } else if (error) {
      failure = add_failure(std::move(error));
    }
    for (size_t i = 0; i < task->accesses.size(); ++i) {
      Access& access = task->accesses[i];
      if (!access.writes) continue;
      const Ref<Failure>& outcome = bulk ? bulk->poison[i] : failure;
      if (outcome)
        Poison::set(*access.tag, outcome, dropped_);
      else if (bulk || task->finaliser || (access.complete && !access.reads))
        Poison::heal(*access.tag, dropped_);
    }
    lock.unlock();
  }
  std::array<Tag*, 16> first_waited;  // the rest, which is rare, goes to the heap
  size_t waited = 0;
  std::vector<Tag*> more_waited;
  for (size_t i = 0; i < task->accesses.size(); ++i) {
    const Access& access = task->accesses[i];
    if (access.mode == Mode::write) access.tag->note_write();
    uint64_t before = access.tag->word.fetch_sub(mode_unit[static_cast<int>(access.mode)],
                                                 std::memory_order_acq_rel);
    if (!(before & queued_bit)) continue;
    if (waited < first_waited.size())
      first_waited[waited++] = access.tag;
    else
      more_waited.push_back(access.tag);
  }
  lock.lock();
  for (size_t i = 0; i < waited; ++i) grant(*first_waited[i]);
  for (Tag* tag : more_waited) grant(*tag);
  --outstanding_;
  effects_ -= task->effect;
  queued_bytes_ -= task->bytes;
  if (task->done) task->done->store(true, std::memory_order_relaxed);
  notify_waiters_ |= waiting_ > 0 && (outstanding_ == 0 || task->done || waiting_for_space_ > 0 ||
                                      (task->effect && effects_ == 0));
  completing_ = fetches_next ? static_cast<int>(task->resource) : -1;
  settle();
  completing_ = -1;
}

// Failures.

Ref<Failure> Scheduler::add_failure(std::exception_ptr error) {
  auto failure = make_ref<Failure>(std::move(error));
  failures_.push_back(failure);
  return failure;
}

void Scheduler::fail(const TaskOptions& options, std::exception_ptr error) {
  Lock lock(*this);
  Ref<Failure> failure = add_failure(std::move(error));
  for (Tag* tag : options.writes) Poison::set(*tag, failure, dropped_);
}

void Scheduler::note_failure(std::exception_ptr error) {
  Lock lock(*this);
  add_failure(std::move(error));
}

// Regions.

std::vector<Ref<Tag>> Scheduler::split(Tag& parent, int n) {
  Lock lock(*this);
  bool overlaps = parent.alias_ || (parent.regions_ && !parent.regions_->live.empty());
  std::vector<Ref<Tag>> regions;
  for (int i = 0; i < n; ++i) {
    regions.push_back(make_ref<Tag>(parent.name()));
    Tag& region = *regions.back();
    region.word.store(split_bit, std::memory_order_relaxed);
    region.parent_ = Ref<Tag>(&parent);
    region.alias_ = overlaps;
  }
  if (overlaps) return regions;
  if (!parent.regions_) parent.regions_ = new Tag::Regions;
  parent.regions_->total = static_cast<size_t>(n);
  for (const Ref<Tag>& region : regions) parent.regions_->live.push_back(region.get());
  parent.word.fetch_or(split_bit, std::memory_order_acq_rel);
  parent.note_write();  // its regions may be written, and forgotten, before anybody asks again
  if (parent.poison_) Poison::set(parent, Ref<Failure>(parent.poison_), dropped_);
  return regions;
}

void Scheduler::detach(Tag& tag) {
  Lock lock(*this);
  if (tag.parent_ && !tag.alias_) Poison::detach(tag, dropped_);
}

}  // namespace gemel::engine::detail
