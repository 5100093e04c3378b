#include "base/settings.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <set>

#include "base/error.h"

namespace gemel {
namespace {

class SettingsTest : public testing::Test {
 protected:
  void TearDown() override {
    for (const auto& [name, value] : before_) settings::set(name, value);
  }
  SettingsTest() {
    for (const auto& d : settings::all()) before_.emplace_back(d.name, d.value);
  }
  std::vector<std::pair<std::string, std::string>> before_;
};

TEST_F(SettingsTest, TypedAndTextFormsAgree) {
  settings::set(&Settings::workers, 3);
  EXPECT_EQ(settings::current().workers, 3);
  EXPECT_EQ(settings::get("workers"), "3");
  settings::set("fusion", "false");
  EXPECT_FALSE(settings::current().fusion);
  settings::set(&Settings::fusion, true);
  EXPECT_EQ(settings::get("fusion"), "1");
  settings::set(&Settings::memory_plan, "inplace");
  EXPECT_EQ(settings::current().memory_plan, "inplace");
  settings::set("seed", "-9223372036854775808");
  EXPECT_EQ(settings::current().seed, INT64_MIN);
}

TEST_F(SettingsTest, OldValuesStayReadable) {
  const Settings& before = settings::current();
  const int64_t workers = before.workers;
  settings::set(&Settings::workers, workers + 1);
  EXPECT_EQ(before.workers, workers);
  EXPECT_EQ(settings::current().workers, workers + 1);
}

TEST_F(SettingsTest, NamesOfMxnetAreUnderstood) {
  settings::set("engine", "NaiveEngine");
  EXPECT_EQ(settings::current().engine, "naive");
  settings::set("engine", "ThreadedEnginePerDevice");
  EXPECT_EQ(settings::current().engine, "threaded");
}

TEST_F(SettingsTest, RefusesWithTheReason) {
  const auto message = [](std::string_view name, std::string_view value) -> std::string {
    try {
      settings::set(name, value);
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  };
  const std::string plan = settings::get("memory_plan");
  EXPECT_NE(message("memory_plan", "some").find("naive, inplace, coshare, both"),
            std::string::npos);
  EXPECT_NE(message("memory_plan", "some").find("'some'"), std::string::npos);
  EXPECT_EQ(settings::get("memory_plan"), plan);
  EXPECT_NE(message("workers", "-1"), "");
  EXPECT_NE(message("workers", "2x"), "");
  EXPECT_NE(message("workers", ""), "");
  EXPECT_NE(message("fusion", "maybe"), "");
  EXPECT_NE(message("colour", "red").find("memory_plan"), std::string::npos);
  EXPECT_THROW(settings::get("colour"), Error);
}

TEST_F(SettingsTest, TheTableIsComplete) {
  std::set<std::string> names;
  for (const auto& d : settings::all()) {
    EXPECT_TRUE(names.insert(d.name).second) << d.name;
    EXPECT_FALSE(d.doc.empty()) << d.name;
    EXPECT_EQ(d.environment.at(0).rfind("GEMEL_", 0), 0u);
    EXPECT_EQ(d.value, settings::get(d.name));
    if (!d.choices.empty()) {
      EXPECT_NE(std::find(d.choices.begin(), d.choices.end(), d.default_value), d.choices.end());
    }
  }
  EXPECT_TRUE(names.count("engine") && names.count("omp_threads"));
  settings::set("trace", "a.json");
  for (const auto& d : settings::all()) {
    if (d.name == "trace") {
      EXPECT_EQ(d.source, "set");
    }
  }
}

TEST_F(SettingsTest, VariablesOfMxnetAreAllExplained) {
  std::set<std::string> names, settings;
  for (const auto& d : settings::all()) settings.insert(d.name);
  for (const auto& v : settings::variables()) {
    EXPECT_TRUE(names.insert(v.name).second) << v.name;
    EXPECT_NE(v.setting.empty(), v.why.empty()) << v.name;
    EXPECT_TRUE(v.setting.empty() || settings.count(v.setting)) << v.name;
  }
  EXPECT_GE(names.size(), 95u);
  EXPECT_TRUE(names.count("MXNET_ENGINE_TYPE") && names.count("MXNET_KVSTORE_USETREE"));
}

TEST_F(SettingsTest, AChoiceMayHaveARest) {
  settings::set("engine", "chaos:12");
  EXPECT_EQ(settings::get("engine"), "chaos:12");
  settings::set("engine", "chaos");
  EXPECT_THROW(settings::set("engine", "chaotic"), Error);
}

// In a child process, because the environment is read once.
TEST_F(SettingsTest, ReadsTheEnvironmentOursFirst) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  setenv("GEMEL_WORKERS", "5", 1);
  setenv("MXNET_CPU_WORKER_NTHREADS", "7", 1);
  setenv("MXNET_ENGINE_TYPE", "NaiveEngine", 1);
  setenv("GEMEL_FUSION", "perhaps", 1);
  EXPECT_EXIT(
      {
        const bool right = settings::current().workers == 5 &&
                           settings::current().engine == "naive" && settings::current().fusion;
        std::exit(right ? 0 : 1);
      },
      testing::ExitedWithCode(0), "GEMEL_FUSION is ignored.*expected 0 or 1, got 'perhaps'");
  for (const char* name :
       {"GEMEL_WORKERS", "MXNET_CPU_WORKER_NTHREADS", "MXNET_ENGINE_TYPE", "GEMEL_FUSION"})
    unsetenv(name);
}

}  // namespace
}  // namespace gemel
