// Loops over the threads that this task may use: OpenMP's count, which the caller sets to 1 for
// tasks that run inline. Each index is computed by one thread in the same way whatever the count,
// so results do not depend on it.
#pragma once
#include <algorithm>
#include <cstdint>

#ifdef GEMEL_WITH_OPENMP
#include <omp.h>
#endif

namespace gemel::kernels {

// Below this many elementary steps a second thread costs more than it brings.
constexpr int64_t parallel_grain = 1 << 18;

inline int thread_count() {
#ifdef GEMEL_WITH_OPENMP
  return omp_get_max_threads();
#else
  return 1;
#endif
}

// Which of them runs this, inside a parallel_for: less than thread_count().
inline int thread_number() {
#ifdef GEMEL_WITH_OPENMP
  return omp_get_thread_num();
#else
  return 0;
#endif
}

// While one lives, kernels on this thread use at most so many threads.
class ThreadLimit {
 public:
#ifdef GEMEL_WITH_OPENMP
  explicit ThreadLimit(int threads) : previous_(omp_get_max_threads()) {
    if (threads < previous_) omp_set_num_threads(threads);
  }
  ~ThreadLimit() {
    if (omp_get_max_threads() != previous_) omp_set_num_threads(previous_);
  }

 private:
  int previous_;
#else
  explicit ThreadLimit(int) {}
  ~ThreadLimit() {}
#endif

 public:
  ThreadLimit(const ThreadLimit&) = delete;
  ThreadLimit& operator=(const ThreadLimit&) = delete;
};

// No other thread: for tasks that run inline.
class SingleThread : public ThreadLimit {
 public:
  SingleThread() : ThreadLimit(1) {}
};

// f(i) for i in [0, count); `steps` is a rough cost of one of them.
template <typename F>
void parallel_for(int64_t count, int64_t steps, F&& f) {
#ifdef GEMEL_WITH_OPENMP
  if (count > 1 && count * steps >= parallel_grain && omp_get_max_threads() > 1) {
#pragma omp parallel for schedule(static)
    for (int64_t i = 0; i < count; ++i) f(i);
    return;
  }
#endif
  for (int64_t i = 0; i < count; ++i) f(i);
}

// f(index, lane) for index in [0, count), on at most `lanes` threads, each with a lane of its own:
// its part of the scratch memory. What f writes elsewhere must not depend on the lane.
template <typename F>
void parallel_lanes(int64_t count, [[maybe_unused]] int64_t lanes, F&& f) {
#ifdef GEMEL_WITH_OPENMP
  const int threads = static_cast<int>(std::min<int64_t>({lanes, count, omp_get_max_threads()}));
  if (threads > 1) {
#pragma omp parallel for schedule(dynamic) num_threads(threads)
    for (int64_t i = 0; i < count; ++i) f(i, static_cast<int64_t>(omp_get_thread_num()));
    return;
  }
#endif
  for (int64_t i = 0; i < count; ++i) f(i, int64_t(0));
}

}  // namespace gemel::kernels
