#include "kernels/random.h"

#include <gtest/gtest.h>

#include <vector>

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

TEST(Philox, ManyWordsAreThoseOfOneNumberAfterAnother) {
  const Philox stream(0x0123456789abcdef, 77);
  // Also where the lower half of the counter wraps around.
  for (uint64_t first : std::initializer_list<uint64_t>{0, 5, 0xffffffff - 100, 0xffffffff - 76}) {
    std::vector<uint32_t> words(4 * 75);
    stream.words(first, 75, words.data());
    for (size_t i = 0; i < words.size(); ++i)
      ASSERT_EQ(words[i], stream.bits(first + i / 4)[i % 4]) << first << ' ' << i;
  }
}

TEST(Philox, FlagsFollowTheLimit) {
  std::vector<uint32_t> words;
  for (uint32_t i = 0; i < 50; ++i) words.push_back(i * 0x05000000u);
  std::vector<uint8_t> keep(words.size());
  for (uint64_t limit : {uint64_t{0}, uint64_t{0x80000000}, uint64_t{1} << 32}) {
    simd::keep_from(words.data(), limit, keep.data(), keep.size());
    for (size_t i = 0; i < keep.size(); ++i) ASSERT_EQ(keep[i], words[i] >= limit) << limit;
  }
  std::vector<float> from(50, 3), to(50);
  for (size_t i = 0; i < keep.size(); ++i) keep[i] = i % 3 == 0;
  simd::keep_scaled(from.data(), keep.data(), 2, to.data(), to.size());
  for (size_t i = 0; i < to.size(); ++i) EXPECT_EQ(to[i], i % 3 == 0 ? 6 : 0) << i;
}

TEST(Philox, UnitNumbersStayBelowOne) {
  EXPECT_LT(unit_float(0xffffffffu), 1.0f);
  EXPECT_LT(unit_double(~uint64_t{0}), 1.0);
  EXPECT_EQ(bounded(~uint64_t{0}, 6), 5u);
  EXPECT_TRUE(std::isfinite(normal_pair(0u, 0u)[0]));
}

}  // namespace
}  // namespace gemel::kernels
