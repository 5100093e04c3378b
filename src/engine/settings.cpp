#include "engine/settings.h"

#ifdef GEMEL_WITH_OPENMP
#include <omp.h>
#endif

#include "base/settings.h"

namespace gemel::engine::detail {

std::string canonical_kind(std::string_view name) {
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

void limit_openmp_threads() {
#ifdef GEMEL_WITH_OPENMP
  if (const int64_t threads = settings::current().omp_threads; threads > 0)
    omp_set_num_threads(static_cast<int>(threads));
#endif
}

}  // namespace gemel::engine::detail
