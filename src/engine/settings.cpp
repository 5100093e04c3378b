#include "engine/settings.h"

#include <algorithm>
#include <thread>

#ifdef GEMEL_WITH_OPENMP
#include <omp.h>
#endif

#include "base/settings.h"

namespace gemel::engine::detail {

std::string canonical_kind(std::string_view name) {
  if (name == "chaos" || name.starts_with("chaos:")) return std::string(name);
  if (name == "naive" || name == "NaiveEngine") return "naive";
  if (name == "threaded" || name == "ThreadedEngine" || name == "ThreadedEnginePerDevice" ||
      name == "ThreadedEnginePooled") {
    return "threaded";
  }
  return "";
}

Configuration configuration_from_settings() {
  const Settings& now = settings::current();
  Configuration configuration;
  configuration.kind = now.engine;
  configuration.compute_workers = static_cast<int>(now.workers);
  return configuration;
}

#ifdef GEMEL_WITH_OPENMP
// What OpenMP gave the first thread that asked: OMP_NUM_THREADS, else the cores.
int openmp_threads() {
  static const int threads = omp_get_max_threads();
  const int64_t wanted = settings::current().omp_threads;
  return wanted > 0 ? static_cast<int>(wanted) : threads;
}
#endif

int default_compute_workers() {
  const int cores = static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
#ifdef GEMEL_WITH_OPENMP
  return std::max(1, cores / openmp_threads());
#else
  return cores;
#endif
}

void limit_openmp_threads(int workers) {
#ifdef GEMEL_WITH_OPENMP
  const bool fixed = settings::current().omp_threads > 0;
  omp_set_num_threads(fixed ? openmp_threads() : std::max(1, openmp_threads() / workers));
#endif
}

void limit_openmp_threads_to_one() {
#ifdef GEMEL_WITH_OPENMP
  omp_set_num_threads(1);
#endif
}

}  // namespace gemel::engine::detail
