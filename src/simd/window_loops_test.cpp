#include "simd/window_loops.h"

#include <gtest/gtest.h>

#include <limits>
#include <vector>

namespace gemel::simd {
namespace {

// Few different values, so that the largest is often not alone.
float value(size_t i) { return static_cast<float>(i * 7 % 5); }

TEST(WindowLoops, JoinRowsOfAnyLength) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  for (size_t n = 0; n < 70; ++n) {
    std::vector<float> x(n), best(n + 1, 2), sum(n + 1, 1);
    std::vector<int32_t> row(n + 1, 9);
    for (size_t i = 0; i < n; ++i) x[i] = i % 11 == 3 ? nan : value(i);
    std::vector<float> larger = best;
    window_loops().larger(x.data(), larger.data(), n);
    window_loops().larger_with_row(x.data(), 4, best.data(), row.data(), n);
    for (size_t i = 0; i < n; ++i) {
      const bool more = i % 11 != 3 && value(i) > 2;
      EXPECT_EQ(best[i], more ? value(i) : 2);
      EXPECT_EQ(larger[i], best[i]);
      EXPECT_EQ(row[i], more ? 4 : 9);
      x[i] = value(i);
    }
    window_loops().add(x.data(), sum.data(), n);
    for (size_t i = 0; i < n; ++i) EXPECT_EQ(sum[i], 1 + value(i));
    EXPECT_EQ(best[n], 2);  // behind the row nothing is written
    EXPECT_EQ(row[n], 9);
    EXPECT_EQ(sum[n], 1);
  }
}

TEST(WindowLoops, WindowsOfAnyKernelAndStride) {
  for (size_t kernel = 1; kernel < 6; ++kernel)
    for (size_t stride = 1; stride < 5; ++stride)
      for (size_t n : {1, 5, 16, 33}) {
        const size_t length = n * stride + kernel + window_slack;
        std::vector<float> x(length), largest(n + window_slack), sums(n + window_slack),
            first(n + window_slack);
        std::vector<int32_t> row(length), place(n + window_slack);
        for (size_t i = 0; i < length; ++i) {
          x[i] = value(i);
          row[i] = static_cast<int32_t>(i * 3 % 4);
        }
        const WindowLoops& loops = window_loops();
        loops.largest_of_windows(x.data(), kernel, stride, largest.data(), n);
        loops.sums_of_windows(x.data(), kernel, stride, sums.data(), n);
        loops.first_largest_of_windows(x.data(), row.data(), kernel, stride, first.data(),
                                       place.data(), n);
        for (size_t i = 0; i < n; ++i) {
          float most = -1, sum = 0;
          int32_t at = 0;
          for (size_t j = 0; j < kernel; ++j) {
            const float v = x[i * stride + j];
            const auto here = static_cast<int32_t>(row[i * stride + j] * kernel + j);
            sum += v;
            if (v > most || (v == most && here < at)) {
              most = v;
              at = here;
            }
          }
          EXPECT_EQ(largest[i], most) << kernel << " " << stride << " " << n << " " << i;
          EXPECT_EQ(first[i], most);
          EXPECT_EQ(place[i], at);
          EXPECT_EQ(sums[i], sum);
        }
      }
}

}  // namespace
}  // namespace gemel::simd
