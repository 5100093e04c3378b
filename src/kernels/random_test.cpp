#include "kernels/random.h"

#include <gtest/gtest.h>

namespace gemel::kernels {
namespace {

// Known answers published with Random123.
TEST(Philox, KnownAnswers) {
  EXPECT_EQ(philox({0, 0, 0, 0}, {0, 0}),
            (PhiloxBlock{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT_EQ(philox({0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}, {0xffffffff, 0xffffffff}),
            (PhiloxBlock{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(philox({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
            (PhiloxBlock{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(Philox, UnitNumbersStayBelowOne) {
  EXPECT_LT(unit_float(0xffffffffu), 1.0f);
  EXPECT_LT(unit_double(~uint64_t{0}), 1.0);
  EXPECT_EQ(bounded(~uint64_t{0}, 6), 5u);
  EXPECT_TRUE(std::isfinite(normal_pair(0u, 0u)[0]));
}

}  // namespace
}  // namespace gemel::kernels
