#include "engine/settings.h"

#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace gemel::engine::detail {
namespace {

const char* first_set(const char* ours, const char* theirs, const char** which) {
  for (const char* name : {ours, theirs}) {
    const char* value = std::getenv(name);
    if (value && *value) {
      *which = name;
      return value;
    }
  }
  return nullptr;
}

}  // namespace

std::string canonical_kind(std::string_view name) {
  if (name == "naive" || name == "NaiveEngine") return "naive";
  if (name == "threaded" || name == "ThreadedEngine" || name == "ThreadedEnginePerDevice" ||
      name == "ThreadedEnginePooled") {
    return "threaded";
  }
  return "";
}

Configuration settings_from_environment() {
  Configuration configuration;
  const char* which = nullptr;
  if (const char* value = first_set("GEMEL_ENGINE", "MXNET_ENGINE_TYPE", &which)) {
    std::string kind = canonical_kind(value);
    if (kind.empty()) {
      std::fprintf(stderr, "gemel: %s=%s is not an engine (threaded, naive); using threaded\n", which,
                   value);
    } else {
      configuration.kind = kind;
    }
  }
  if (const char* value = first_set("GEMEL_WORKERS", "MXNET_CPU_WORKER_NTHREADS", &which)) {
    int workers = 0;
    const char* end = value + std::strlen(value);
    auto [stop, error] = std::from_chars(value, end, workers);
    if (error != std::errc() || stop != end || workers < 1 || workers > 1024) {
      std::fprintf(stderr, "gemel: %s=%s is not a number of workers (1 to 1024); using the cores\n",
                   which, value);
    } else {
      configuration.compute_workers = workers;
    }
  }
  return configuration;
}

}  // namespace gemel::engine::detail
