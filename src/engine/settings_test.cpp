#include "engine/settings.h"

#include <gtest/gtest.h>

#include "base/settings.h"

#ifdef GEMEL_WITH_OPENMP
#include <omp.h>

#include <thread>
#endif

namespace gemel::engine::detail {
namespace {

// Puts a setting back when the test ends.
class Restored {
 public:
  Restored(const char* name, const char* value) : name_(name), before_(settings::get(name)) {
    settings::set(name, value);
  }
  ~Restored() { settings::set(name_, before_); }

 private:
  const char* name_;
  std::string before_;
};

TEST(EngineSettings, KindAndWorkersComeFromTheTable) {
  const Restored kind("engine", "NaiveEngine"), workers("workers", "3");
  EXPECT_EQ(configuration_from_settings().kind, "naive");
  EXPECT_EQ(configuration_from_settings().compute_workers, 3);
}

TEST(EngineSettings, NamesOfTheOriginal) {
  for (const char* name : {"ThreadedEngine", "ThreadedEnginePerDevice", "ThreadedEnginePooled"})
    EXPECT_EQ(canonical_kind(name), "threaded");
  EXPECT_EQ(canonical_kind("SteamEngine"), "");
}

#ifdef GEMEL_WITH_OPENMP
TEST(EngineSettings, OpenMpThreadsOfOneThread) {
  const Restored threads("omp_threads", "3");
  int seen = 0;
  std::thread([&] {
    limit_openmp_threads(2);  // the setting overrides the share
    seen = omp_get_max_threads();
  }).join();
  EXPECT_EQ(seen, 3);
}
#endif

}  // namespace
}  // namespace gemel::engine::detail
