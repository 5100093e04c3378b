#include "simd/transpose.h"

#include <gtest/gtest.h>

#include <vector>

namespace gemel::simd {
namespace {

template <typename T>
class TransposeTest : public ::testing::Test {};
using Types = ::testing::Types<uint32_t, uint64_t>;
TYPED_TEST_SUITE(TransposeTest, Types);

TYPED_TEST(TransposeTest, EveryElementAndNothingElse) {
  using T = TypeParam;
  for (size_t rows : {1, 3, 4, 16, 19, 40})
    for (size_t columns : {1, 8, 16, 17, 48})
      for (bool streaming : {false, true}) {
        // Rows of the result are longer than what is written, and begin at multiples of 64 bytes.
        const size_t from_step = rows + 3, line = 64 / sizeof(T),
                     to_step = (columns + line) / line * line;
        std::vector<T> from(columns * from_step), memory(rows * to_step + line, T(7));
        for (size_t i = 0; i < from.size(); ++i) from[i] = T(i + 100);
        T* to = memory.data();
        while (reinterpret_cast<uintptr_t>(to) % 64) ++to;
        transpose_function<T>()(from.data(), ptrdiff_t(from_step), to, ptrdiff_t(to_step), rows,
                                columns, streaming);
        for (size_t r = 0; r < rows; ++r)
          for (size_t c = 0; c < to_step; ++c)
            ASSERT_EQ(to[r * to_step + c], c < columns ? from[c * from_step + r] : T(7))
                << r << " " << c << " of " << rows << " x " << columns;
      }
}

}  // namespace
}  // namespace gemel::simd
