// What tests of the engine share.
#pragma once
#include <gtest/gtest.h>

#include <string>

#include "base/error.h"
#include "base/log.h"
#include "base/settings.h"
#include "engine/engine.h"

namespace gemel::engine::testing {

// Orders that the chaos engine's seed alone does not repeat go to this file, later where they went
// before; `quiet`: without the warning that says so.
class OrderFile {
 public:
  explicit OrderFile(const std::string& file, bool quiet = true) {
    settings::set(&Settings::chaos_order, file);
    if (quiet) log::set_level(log::Level::error);
  }
  ~OrderFile() {
    settings::set(&Settings::chaos_order, before_);
    log::set_level(level_);
  }
  OrderFile(const OrderFile&) = delete;
  OrderFile& operator=(const OrderFile&) = delete;

 private:
  std::string before_ = settings::current().chaos_order;
  log::Level level_ = log::level();
};

// A test for each of `kinds()`, with so many workers; afterwards the engine is the default one.
template <int workers>
struct EveryKind : ::testing::TestWithParam<const char*> {
  void SetUp() override { configure({.kind = GetParam(), .compute_workers = workers}); }
  void TearDown() override {
    try {
      wait_all();
    } catch (...) {  // what the test left failed
    }
    configure({});
  }

 private:
  OrderFile orders_{"/dev/null"};
};

inline auto kinds() { return ::testing::Values("threaded", "naive", "chaos:3"); }
inline std::string kind_name(const ::testing::TestParamInfo<const char*>& info) {
  return std::string(info.param).substr(0, 5);
}

// Whether a wait for the tag throws.
inline bool poisoned(Tag& tag) {
  try {
    wait_for_read(tag);
  } catch (const Error&) {
    return true;
  }
  return false;
}

}  // namespace gemel::engine::testing
