#include "kernels/radix_sort.h"

#include <gtest/gtest.h>

#include <vector>

namespace gemel::kernels {
namespace {

// Numbers without pattern, of which the low `bits` bits vary.
std::vector<uint64_t> mixed(size_t n, int bits) {
  std::vector<uint64_t> x(n);
  uint64_t state = 1;
  for (uint64_t& v : x)
    v = (state = state * 6364136223846793005u + 1442695040888963407u) >> (64 - bits);
  return x;
}

TEST(RadixSort, AscendingLikeTheLibrary) {
  for (size_t n : {1, 2, 200, 5000})
    for (int bits : {3, 8, 17, 32}) {
      const auto numbers = mixed(n, bits);
      std::vector<uint32_t> x(numbers.begin(), numbers.end()), expected = x, scratch(n);
      std::sort(expected.begin(), expected.end());
      radix_sort<0>(x.data(), scratch.data(), static_cast<int64_t>(n));
      EXPECT_EQ(x, expected) << n << " of " << bits << " bits";
    }
}

TEST(RadixSort, EqualKeysKeepTheirOrder) {
  const size_t n = 1000;
  auto x = mixed(n, 4);
  for (size_t i = 0; i < n; ++i) x[i] = x[i] << 32 | i;
  auto expected = x;
  std::vector<uint64_t> scratch(n);
  std::sort(expected.begin(), expected.end());
  radix_sort<32>(x.data(), scratch.data(), static_cast<int64_t>(n));
  EXPECT_EQ(x, expected);
}

}  // namespace
}  // namespace gemel::kernels
