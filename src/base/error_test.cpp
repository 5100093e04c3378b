#include "base/error.h"

#include <gtest/gtest.h>

namespace gemel {
namespace {

TEST(Error, CarriesKindAndText) {
  try {
    GEMEL_CHECK(1 > 2, "[op] expected {}, got {}", 1, "two");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::Input);
    EXPECT_STREQ(error.what(), "[op] expected 1, got two");
  }
  try {
    GEMEL_ASSERT(false);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::Internal);
  }
  EXPECT_NO_THROW(GEMEL_CHECK(true, "never"));
}

}  // namespace
}  // namespace gemel
