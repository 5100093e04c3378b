#include <gtest/gtest.h>

#include "ops/testing.h"

namespace gemel {
namespace {

using testing::Array;

Array ramp(const Shape& shape) {
  std::vector<double> values(static_cast<size_t>(shape.size()));
  for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<double>(i + 1);
  return Array(shape, values);
}

class BlockedReorder : public ::testing::TestWithParam<Shape> {};

TEST_P(BlockedReorder, PutsChannelsSideBySideAndBack) {
  const Shape s = GetParam();
  const Attributes channels = {{"channels", std::to_string(s[1])}};
  const Array plain = ramp(s);
  const Array blocked = testing::call("_to_blocked", {plain}, channels)[0];
  const int64_t blocks = (s[1] + 15) / 16, area = s[2] * s[3];
  ASSERT_EQ(blocked.shape, Shape({s[0], blocks, s[2], s[3], 16}));
  const std::vector<double> from = plain.values(), to = blocked.values();
  for (int64_t n = 0; n < s[0]; ++n)
    for (int64_t c = 0; c < blocks * 16; ++c)
      for (int64_t i = 0; i < area; ++i)
        ASSERT_EQ(to[static_cast<size_t>(((n * blocks + c / 16) * area + i) * 16 + c % 16)],
                  c < s[1] ? from[static_cast<size_t>((n * s[1] + c) * area + i)] : 0);
  EXPECT_EQ(testing::call("_from_blocked", {blocked}, channels)[0].values(), from);
}

INSTANTIATE_TEST_SUITE_P(Shapes, BlockedReorder,
                         ::testing::Values(Shape{1, 16, 4, 4}, Shape{2, 24, 5, 3},
                                           Shape{1, 3, 17, 19}, Shape{3, 33, 1, 1},
                                           Shape{1, 1, 1, 2}));

}  // namespace
}  // namespace gemel
