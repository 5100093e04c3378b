// Loops over the threads that this task may use: OpenMP's count, which the caller sets to 1 for
// tasks that run inline. Each index is computed by one thread in the same way whatever the count,
// so results do not depend on it.
#pragma once
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

// While one lives, kernels on this thread use no other thread: for tasks that run inline.
class SingleThread {
 public:
#ifdef GEMEL_WITH_OPENMP
  SingleThread() : previous_(omp_get_max_threads()) {
    if (previous_ != 1) omp_set_num_threads(1);
  }
  ~SingleThread() {
    if (previous_ != 1) omp_set_num_threads(previous_);
  }

 private:
  int previous_;
#else
  ~SingleThread() {}
#endif
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

}  // namespace gemel::kernels
