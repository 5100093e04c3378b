#include "base/byte_count.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace gemel {
namespace {

TEST(ByteCount, ReadsWhatPeopleWrite) {
  EXPECT_EQ(parse_bytes("0"), 0);
  EXPECT_EQ(parse_bytes("1234"), 1234);
  EXPECT_EQ(parse_bytes("1GB"), 1'000'000'000);
  EXPECT_EQ(parse_bytes("1.5 GiB"), int64_t{3} << 29);
  EXPECT_EQ(parse_bytes("300k"), 300'000);
  EXPECT_EQ(parse_bytes("2TiB"), int64_t{2} << 40);
  EXPECT_EQ(parse_bytes("7b"), 7);
  EXPECT_EQ(parse_bytes("1e6"), 1'000'000);
}

TEST(ByteCount, RefusesOtherText) {
  for (const char* text : {"", "GB", "-1", "-1GB", "1XB", "1 G B x", "1iB", "nan", "1e30GB", "one"})
    EXPECT_THROW(parse_bytes(text), Error) << text;
}

TEST(ByteCount, Prints) {
  EXPECT_EQ(print_bytes(12), "12 bytes");
  EXPECT_EQ(print_bytes(1'234), "1.23 KB");
  EXPECT_EQ(print_bytes(812'400'000), "812.4 MB");
  EXPECT_EQ(print_bytes(18'000'000'000), "18.0 GB");
}

}  // namespace
}  // namespace gemel
