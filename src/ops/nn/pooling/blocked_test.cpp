// Pooling of blocked arrays against that of plain ones.
#include <gtest/gtest.h>

#include <limits>

#include "ops/testing.h"

namespace gemel {
namespace {

using testing::Array;

struct Case {
  Shape shape;
  Attributes attributes;
};
void PrintTo(const Case& c, std::ostream* out) {
  *out << c.shape[1] << "x" << c.shape[2] << "x" << c.shape[3];
  for (const auto& [name, value] : c.attributes) *out << " " << name << "=" << value;
}

class BlockedPooling : public ::testing::TestWithParam<Case> {};

TEST_P(BlockedPooling, EqualsThePlainOne) {
  const auto& [shape, given] = GetParam();
  for (const char* type : {"max", "avg", "sum"}) {
    Attributes attributes = given;
    attributes["pool_type"] = type;
    std::vector<double> values(static_cast<size_t>(shape.size()));
    for (size_t i = 0; i < values.size(); ++i)
      values[i] = (static_cast<double>(i * 37 % 101) - 50) / 16;
    const Array plain(shape, values);
    const Attributes channels = {{"channels", std::to_string(shape[1])}};
    const std::vector<double> expected = testing::call("Pooling", {plain}, attributes)[0].values();
    const Array pooled = testing::call(
        "_blocked_pooling", testing::call("_to_blocked", {plain}, channels), attributes)[0];
    const std::vector<double> got = testing::call("_from_blocked", {pooled}, channels)[0].values();
    ASSERT_EQ(got.size(), expected.size());
    for (size_t i = 0; i < got.size(); ++i)
      EXPECT_NEAR(got[i], expected[i], 1e-5) << type << " at " << i;
  }
}

INSTANTIATE_TEST_SUITE_P(
    Cases, BlockedPooling,
    ::testing::Values(
        Case{{2, 32, 7, 9}, {{"kernel", "(3, 3)"}, {"stride", "(2, 2)"}}},
        Case{{1, 16, 8, 8}, {{"kernel", "(3, 3)"}, {"pad", "(1, 1)"}}},
        Case{{1, 24, 5, 6}, {{"kernel", "(2, 3)"}, {"stride", "(2, 1)"}, {"pad", "(1, 0)"}}},
        Case{{1, 16, 7, 7},
             {{"kernel", "(3, 3)"}, {"stride", "(2, 2)"}, {"pooling_convention", "full"}}},
        Case{{1, 16, 7, 6},
             {{"kernel", "(3, 3)"}, {"stride", "(2, 2)"}, {"pooling_convention", "same"}}},
        Case{{1, 16, 6, 6},
             {{"kernel", "(3, 3)"}, {"pad", "(1, 1)"}, {"count_include_pad", "False"}}},
        Case{{1, 16, 4, 4},
             {{"kernel", "(2, 2)"},
              {"stride", "(3, 3)"},
              {"pad", "(1, 1)"},
              {"pooling_convention", "full"}}},
        Case{{2, 20, 6, 5}, {{"global_pool", "True"}}}));

TEST(BlockedPooling, ANumberIsLargerThanNoNumber) {
  std::vector<double> values(16, std::numeric_limits<double>::quiet_NaN());
  values[2] = -3;
  const Array plain({1, 1, 4, 4}, values);
  const Attributes window = {{"kernel", "(2, 2)"}, {"stride", "(2, 2)"}};
  const Array pooled = testing::call(
      "_blocked_pooling", testing::call("_to_blocked", {plain}, {{"channels", "1"}}), window)[0];
  const double lowest = std::numeric_limits<float>::lowest();
  EXPECT_EQ(testing::call("_from_blocked", {pooled}, {{"channels", "1"}})[0].values(),
            (std::vector<double>{lowest, -3, lowest, lowest}));
}

}  // namespace
}  // namespace gemel
