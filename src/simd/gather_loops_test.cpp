#include "simd/gather_loops.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

namespace gemel::simd {
namespace {

TEST(GatherLoops, IndicesAreClippedAndFractionsDropped) {
  const std::vector<uint32_t> from = {10, 11, 12, 13, 14};
  for (size_t n : {0, 1, 7, 8, 16, 37}) {
    std::vector<int32_t> index(n);
    std::vector<float> numbers(n);
    for (size_t i = 0; i < n; ++i) {
      index[i] = static_cast<int32_t>(i * 7 % 11) - 3;
      numbers[i] = static_cast<float>(index[i]) + (index[i] < 0 ? -0.75f : 0.75f);
    }
    std::vector<uint32_t> by_index(n), by_number(n);
    gather_clipped(from.data(), 5, index.data(), by_index.data(), n);
    gather_clipped(from.data(), 5, numbers.data(), by_number.data(), n);
    for (size_t i = 0; i < n; ++i) {
      const uint32_t expected = from[static_cast<size_t>(std::clamp(index[i], 0, 4))];
      EXPECT_EQ(by_index[i], expected) << i;
      EXPECT_EQ(by_number[i], expected) << i;
    }
  }
}

TEST(GatherLoops, FarIndicesTakeTheNearestEnd) {
  const std::vector<uint32_t> from = {10, 11, 12};
  const float infinity = std::numeric_limits<float>::infinity();
  const std::vector<float> far = {1e20f, -1e20f, infinity, -infinity, 3e9f, -3e9f, 2, 0};
  std::vector<uint32_t> to(far.size());
  gather_clipped(from.data(), 3, far.data(), to.data(), far.size());
  EXPECT_EQ(to, (std::vector<uint32_t>{12, 10, 12, 10, 12, 10, 12, 10}));
  const std::vector<int32_t> ends = {std::numeric_limits<int32_t>::max(),
                                     std::numeric_limits<int32_t>::min()};
  gather_clipped(from.data(), 3, ends.data(), to.data(), 2);
  EXPECT_EQ(to[0], 12u);
  EXPECT_EQ(to[1], 10u);
}

}  // namespace
}  // namespace gemel::simd
