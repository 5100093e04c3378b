// Workers of the scheduler: started when work first needs them, stopped by configure().
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include <unistd.h>

#include "base/error.h"
#include "base/log.h"
#include "engine/bulk.h"
#include "engine/scheduler.h"
#include "engine/settings.h"
#include "engine/solo.h"
#include "engine/trace_buffer.h"

namespace gemel::engine::detail {
namespace {

// About ten microseconds: a producer of small tasks or bulks need not wake its worker each time.
constexpr int worker_spins = 400;

constexpr fmt::format_string<const std::string&> unknown_kind =
    "[engine] unknown kind \"{}\", expected \"threaded\", \"naive\", \"chaos\", \"chaos:SEED\" or "
    "\"chaos:FILE\"";

int64_t default_queue_bound() {
  long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGE_SIZE);
  return pages > 0 && page > 0 ? static_cast<int64_t>(pages) * page / 4 : int64_t{1} << 30;
}

}  // namespace

Scheduler::Scheduler() {
  Configuration configuration = configuration_from_settings();
  try {
    apply(configuration);
  } catch (const Error& error) {  // an order that cannot be read must not stop an import
    log::warning("{}; the engine is threaded", error.what());
    configuration.kind = "threaded";
    apply(configuration);
  }
  register_at_fork_and_exit();
}

void Scheduler::apply(const Configuration& configuration) {
  std::unique_ptr<Chaos> chaos;
  if (canonical_kind(configuration.kind).starts_with("chaos"))
    chaos = std::make_unique<Chaos>(configuration.kind);
  configuration_ = configuration;
  configuration_.kind = canonical_kind(configuration.kind);
  GEMEL_CHECK(!configuration_.kind.empty(), unknown_kind, configuration.kind);
  if (configuration_.compute_workers <= 0)
    configuration_.compute_workers = default_compute_workers();
  if (configuration_.max_queued_bytes <= 0) configuration_.max_queued_bytes = default_queue_bound();
  max_queued_bytes_ = configuration_.max_queued_bytes;
  bool naive = configuration_.kind == "naive";
  use_chaos(std::move(chaos));
  if (naive || chaos_) limit_openmp_threads(1);  // the pushing thread runs everything
  crews_[0].limit = configuration_.compute_workers;
  compute_limit_.store(naive || chaos_ ? 1 : configuration_.compute_workers,
                       std::memory_order_relaxed);
  if (naive)
    fast_path.modes.fetch_or(mode_synchronous);
  else
    fast_path.modes.fetch_and(~mode_synchronous);
}

Configuration Scheduler::configuration() {
  Lock lock(*this);
  return configuration_;
}

void Scheduler::configure(const Configuration& configuration) {
  GEMEL_CHECK(!thread_state.frame,
              "[engine] configure() was called inside a task: call it outside");
  GEMEL_CHECK(!canonical_kind(configuration.kind).empty(), unknown_kind, configuration.kind);
  flush_bulk();
  Lock lock(*this);
  stop_workers(lock);
  apply(configuration);
  reset_pushers();
  resume(lock);
}

void Scheduler::shut_down() {
  GEMEL_CHECK(!thread_state.frame,
              "[engine] shut_down() was called inside a task: call it outside");
  flush_bulk();
  Lock lock(*this);
  stop_workers(lock);
  become_synchronous();
  resume(lock);
}

void Scheduler::become_synchronous() {
  configuration_.kind = "naive";
  compute_limit_.store(1, std::memory_order_relaxed);
  fast_path.modes.fetch_or(mode_synchronous);
  use_chaos(nullptr);
}

void Scheduler::resume(Lock& lock) {
  for (int i = 0; i < 4; ++i) {
    if (!synchronous()) {
      if (crews_[i].queue.size() > 0) start_worker(static_cast<Resource>(i));
      continue;
    }
    while (Task* task = crews_[i].queue.pop()) execute(lock, task);
  }
}

void Scheduler::stop_workers(Lock& lock) {
  run_until(lock, [&] { return outstanding_ == 0; });
  join_workers(lock);
}

void Scheduler::join_workers(Lock& lock) {
  stopping_ = true;
  std::vector<std::thread> threads;
  for (Crew& crew : crews_) {
    crew.wake.notify_all();
    for (std::thread& thread : crew.threads) threads.push_back(std::move(thread));
    crew.threads.clear();
  }
  lock.unlock();
  for (std::thread& thread : threads) thread.join();
  lock.lock();
  stopping_ = false;
  for (Crew& crew : crews_) crew.sleeping = crew.woken = crew.spinning = 0;
}

void Scheduler::start_worker(Resource resource) {
  Crew& crew = crews_[static_cast<int>(resource)];
  int index = static_cast<int>(crew.threads.size());
  ++crew.spinning;
  crew.threads.emplace_back([this, resource, index] { work(resource, index); });
}

void Scheduler::work(Resource resource, int index) {
  static constexpr const char* names[] = {"compute", "copy", "io", "network"};
  bool compute = resource == Resource::compute;
  char name[16];
  if (compute)
    std::snprintf(name, sizeof name, "compute-%d", index);
  else
    std::snprintf(name, sizeof name, "%s", names[static_cast<int>(resource)]);
  trace_name_thread(name);
#if defined(__linux__)
  pthread_setname_np(pthread_self(), name);
#endif
  thread_state.worker = compute ? index : -1;
  if (compute) limit_openmp_threads(configuration_.compute_workers);

  Crew& crew = crews_[static_cast<int>(resource)];
  Lock lock(*this);
  --crew.spinning;
  for (;;) {
    if (Task* task = crew.queue.pop()) {
      execute(lock, task);
      continue;
    }
    if (Helpable* work = compute ? find_help() : nullptr) {
      ++work->helpers_;
      lock.unlock();
      work->help();
      lock.lock();
      if (--work->helpers_ == 0) notify_waiters_ |= waiting_ > 0;
      continue;
    }
    if (stopping_) {
      trace_leave_thread();
      return;
    }
    ++crew.spinning;
    bool first = crew.spinning == 1;  // one at a time is enough
    lock.unlock();
    for (int i = 0; first && i < worker_spins && crew.queue.size() == 0; ++i) {
      if (compute && offered_.load(std::memory_order_relaxed) > 0) break;
      spin_pause();
    }
    lock.lock();
    --crew.spinning;
    if (compute) sleeping_compute_.fetch_add(1);  // before looking: see more_help()
    if (crew.queue.size() == 0 && !stopping_ && !(compute && find_help())) {
      ++crew.sleeping;
      lock.sleep(crew.wake);
      --crew.sleeping;
      if (crew.woken > 0) --crew.woken;
    }
    if (compute) sleeping_compute_.fetch_sub(1);
  }
}

// Help.

Helpable* Scheduler::find_help() {
  for (Helpable* work : offers_) {
    if (work->wants_help()) return work;
  }
  return nullptr;
}

void Scheduler::offer(Helpable* work, int helpers) {
  Lock lock(*this);
  offers_.push_back(work);
  offered_.fetch_add(1, std::memory_order_relaxed);
  Crew& crew = crews_[0];
  for (; helpers > 0; --helpers) {
    if (crew.sleeping > crew.woken) {
      ++crew.woken;
      ++notify_[0];
    } else if (static_cast<int>(crew.threads.size()) < crew.limit && !stopping_) {
      start_worker(Resource::compute);
    } else {
      break;
    }
  }
}

void Scheduler::retract(Helpable* work) {
  Lock lock(*this);
  std::erase(offers_, work);
  offered_.fetch_sub(1, std::memory_order_relaxed);
  lock.wait([&] { return work->helpers_ == 0; });
}

void Scheduler::more_help() {
  if (sleeping_compute_.load() == 0) return;
  Lock lock(*this);
  Crew& crew = crews_[0];
  if (crew.sleeping > crew.woken) {
    ++crew.woken;
    ++notify_[0];
  }
}

}  // namespace gemel::engine::detail
