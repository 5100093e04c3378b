#include "kernels/strided_copy.h"

#include <gtest/gtest.h>

#include <numeric>
#include <vector>

namespace gemel::kernels {
namespace {

// Rows into a wider array, as a join has them: large results bypass the caches, small ones do not.
TEST(StridedCopy, JoinsRowsOfAnySize) {
  for (int64_t rows : {3, 2300})
    for (int64_t row : {7, 2051}) {
      const int64_t wide = row + 5, before = 2;
      std::vector<uint32_t> from(static_cast<size_t>(rows * row));
      std::iota(from.begin(), from.end(), 1u);
      std::vector<uint32_t> to(static_cast<size_t>(rows * wide), 0), expected(to);
      for (int64_t r = 0; r < rows; ++r)
        std::copy_n(from.begin() + r * row, row, expected.begin() + r * wide + before);
      const CopyAxis axes[] = {{rows, row, wide}, {row, 1, 1}};
      strided_copy(axes, reinterpret_cast<const std::byte*>(from.data()),
                   reinterpret_cast<std::byte*>(to.data() + before), sizeof(uint32_t));
      EXPECT_TRUE(to == expected) << rows << " rows of " << row;
    }
}

TEST(StridedCopy, CopiesOneLongRow) {
  std::vector<uint32_t> from((9 << 20) + 13), to(from.size() + 1, 0);
  std::iota(from.begin(), from.end(), 5u);
  const CopyAxis axis[] = {{static_cast<int64_t>(from.size()), 1, 1}};
  strided_copy(axis, reinterpret_cast<const std::byte*>(from.data()),
               reinterpret_cast<std::byte*>(to.data()), sizeof(uint32_t));
  EXPECT_TRUE(std::equal(from.begin(), from.end(), to.begin()));
  EXPECT_EQ(to.back(), 0u) << "nothing behind the row is written";
}

}  // namespace
}  // namespace gemel::kernels
