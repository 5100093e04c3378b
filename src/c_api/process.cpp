// The process: version, features, seeds, flags, environment, memory.
#include <cstdlib>

#include "base/settings.h"
#include "c_api/callbacks.h"
#include "c_api/objects.h"
#include "memory/pool.h"
#include "runtime/features.h"
#include "runtime/random.h"

namespace gemel::c_api {
namespace {

std::atomic<bool> numpy_shape_everywhere{false};
thread_local bool numpy_shape_here = false;

}  // namespace

bool is_numpy_shape() {
  return numpy_shape_here || numpy_shape_everywhere.load(std::memory_order_relaxed);
}

}  // namespace gemel::c_api

using namespace gemel;
using namespace gemel::c_api;

int MXGetVersion(int* out) {
  return call(__func__, [&] { *given(out, "the version") = 10901; });
}

int MXNotifyShutdown() {
  return call(__func__, [] {
    try {
      engine::wait_all();
    } catch (const std::exception&) {
      // At exit nobody is left to hear of it.
    }
    callers_are_gone = true;
  });
}

int MXRandomSeed(int seed) {
  return call(__func__, [&] { runtime::seed(static_cast<uint32_t>(seed)); });
}

int MXRandomSeedContext(int seed, int dev_type, int dev_id) {
  return call(__func__, [&] {
    device_of(dev_type, dev_id);
    runtime::seed(static_cast<uint32_t>(seed));
  });
}

// 0: off, 1: on for this thread, 2: on for every thread.
int MXIsNumpyShape(int* curr) {
  return call(__func__, [&] {
    *given(curr, "the flag") = numpy_shape_everywhere ? 2 : numpy_shape_here ? 1 : 0;
  });
}

int MXSetIsNumpyShape(int is_np_shape, int* prev) {
  return call(__func__, [&] {
    GEMEL_CHECK(is_np_shape >= 0 && is_np_shape <= 2, "[{}] expected 0, 1 or 2, got {}",
                current_function, is_np_shape);
    if (prev) *prev = numpy_shape_everywhere ? 2 : numpy_shape_here ? 1 : 0;
    numpy_shape_everywhere = is_np_shape == 2;
    numpy_shape_here = is_np_shape != 0;
  });
}

int MXLibInfoFeatures(const struct LibFeature** out, size_t* size) {
  return call(__func__, [&] {
    static const auto& features = *new std::vector<LibFeature>([] {
      std::vector<LibFeature> made;
      for (const runtime::Feature& feature : runtime::features())
        made.push_back({feature.name, feature.enabled});
      return made;
    }());
    *given(out, "the features") = features.data();
    *given(size, "the number of features") = features.size();
  });
}

int MXGetGPUCount(int* out) {
  return call(__func__, [&] { *given(out, "the number") = 0; });
}

int MXStorageEmptyCache(int dev_type, int dev_id) {
  return call(__func__, [&] {
    device_of(dev_type, dev_id);
    memory::trim();
  });
}

int MXSetNumOMPThreads(int thread_num) {
  return call(__func__,
              [&] { settings::set(&Settings::omp_threads, static_cast<int64_t>(thread_num)); });
}

int MXGetEnv(const char* name, const char** value) {
  return call(__func__, [&] {
    const char* found = std::getenv(given(name, "the name"));
    *given(value, "the value") = found;
  });
}

int MXSetEnv(const char* name, const char* value) {
  return call(__func__, [&] {
    given(name, "the name");
    const int failed = value ? setenv(name, value, 1) : unsetenv(name);
    GEMEL_CHECK(!failed, "[{}] the name '{}' cannot be set", current_function, name);
  });
}

int MXEngineSetBulkSize(int bulk_size, int* prev_bulk_size) {
  return call(__func__, [&] {
    static thread_local int current = 15;  // 1.9.1's default; small tasks are joined either way
    if (prev_bulk_size) *prev_bulk_size = current;
    current = bulk_size;
  });
}
