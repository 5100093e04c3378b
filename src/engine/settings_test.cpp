#include "engine/settings.h"

#include <gtest/gtest.h>

#include <cstdlib>

namespace gemel::engine::detail {
namespace {

struct Settings : testing::Test {
  static constexpr const char* names[] = {"GEMEL_ENGINE", "MXNET_ENGINE_TYPE", "GEMEL_WORKERS",
                                          "MXNET_CPU_WORKER_NTHREADS"};
  std::string saved[4];
  void SetUp() override {
    for (int i = 0; i < 4; ++i) {
      if (const char* value = std::getenv(names[i])) saved[i] = value;
      unsetenv(names[i]);
    }
  }
  void TearDown() override {
    for (int i = 0; i < 4; ++i) {
      if (saved[i].empty()) unsetenv(names[i]);
      else setenv(names[i], saved[i].c_str(), 1);
    }
  }
};

TEST_F(Settings, Defaults) {
  EXPECT_EQ(settings_from_environment().kind, "threaded");
  EXPECT_EQ(settings_from_environment().compute_workers, 0);
}

TEST_F(Settings, OldNames) {
  setenv("MXNET_ENGINE_TYPE", "NaiveEngine", 1);
  setenv("MXNET_CPU_WORKER_NTHREADS", "3", 1);
  EXPECT_EQ(settings_from_environment().kind, "naive");
  EXPECT_EQ(settings_from_environment().compute_workers, 3);
  setenv("GEMEL_ENGINE", "threaded", 1);  // ours goes first
  setenv("GEMEL_WORKERS", "5", 1);
  EXPECT_EQ(settings_from_environment().kind, "threaded");
  EXPECT_EQ(settings_from_environment().compute_workers, 5);
  for (const char* name : {"ThreadedEngine", "ThreadedEnginePerDevice", "ThreadedEnginePooled"}) {
    EXPECT_EQ(canonical_kind(name), "threaded");
  }
}

TEST_F(Settings, UnknownOnesWarn) {
  setenv("MXNET_ENGINE_TYPE", "SteamEngine", 1);
  setenv("GEMEL_WORKERS", "many", 1);
  testing::internal::CaptureStderr();
  Configuration configuration = settings_from_environment();
  std::string text = testing::internal::GetCapturedStderr();
  EXPECT_EQ(configuration.kind, "threaded");
  EXPECT_EQ(configuration.compute_workers, 0);
  EXPECT_NE(text.find("SteamEngine"), std::string::npos);
  EXPECT_NE(text.find("GEMEL_WORKERS=many"), std::string::npos);
  EXPECT_EQ(canonical_kind("SteamEngine"), "");
}

}  // namespace
}  // namespace gemel::engine::detail
