#include "engine/solo.h"

#include <mutex>
#include <new>
#include <thread>

#if defined(__linux__)
#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace gemel::engine::detail {

__thread ThreadState thread_state __attribute__((tls_model("initial-exec")));
FastPath fast_path;

namespace {

enum State : int { unclaimed, owned, shared };
std::atomic<int> state{unclaimed};
std::mutex& change() {
  static auto* mutex = new std::mutex;
  return *mutex;
}

#if defined(__linux__)
bool register_barrier() {
  return syscall(__NR_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) == 0;
}
bool barrier_on_every_core() {
  return syscall(__NR_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0) == 0;
}
#else
bool register_barrier() { return false; }
bool barrier_on_every_core() { return false; }
#endif

void change_owner() {
  std::lock_guard lock(change());
  int now = state.load(std::memory_order_acquire);
  if (now == unclaimed) {
    // A worker pushes now and then only: not worth the ownership.
    bool can = !thread_state.frame && register_barrier();
    state.store(can ? owned : shared, std::memory_order_release);
    if (can) fast_path.solo_owner.store(&thread_state, std::memory_order_release);
    return;
  }
  if (now == shared) return;
  fast_path.solo_owner.store(nullptr, std::memory_order_seq_cst);
  barrier_on_every_core();
  while (fast_path.solo_busy.load(std::memory_order_acquire)) std::this_thread::yield();
  state.store(shared, std::memory_order_release);
}

}  // namespace

void join_pushers() {
  if (state.load(std::memory_order_acquire) == shared) return;
  if (fast_path.solo_owner.load(std::memory_order_relaxed) == &thread_state) return;
  change_owner();
}

void reset_pushers() {
  std::lock_guard lock(change());
  fast_path.solo_owner.store(nullptr, std::memory_order_seq_cst);
  state.store(unclaimed, std::memory_order_release);
}

void reset_pushers_after_fork() {
  new (&change()) std::mutex;  // a thread that stayed behind may have held it
  fast_path.solo_busy.store(false, std::memory_order_release);
  reset_pushers();
}

}  // namespace gemel::engine::detail
