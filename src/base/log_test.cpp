#include "base/log.h"

#include <gtest/gtest.h>

namespace gemel::log {
namespace {

TEST(Log, WritesFromItsLevelOn) {
  const Level before = level();
  set_level(Level::warning);
  testing::internal::CaptureStderr();
  info("not {}", "shown");
  warning("{} of {}", 1, 2);
  error("bad");
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "gemel warning: 1 of 2\ngemel error: bad\n");
  set_level(Level::off);
  testing::internal::CaptureStderr();
  error("quiet");
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
  set_level(before);
}

TEST(Log, KnowsItsLevelsByName) {
  EXPECT_EQ(level_from_name("debug"), Level::debug);
  EXPECT_EQ(level_from_name("off"), Level::off);
  EXPECT_FALSE(level_from_name("loud"));
}

}  // namespace
}  // namespace gemel::log
