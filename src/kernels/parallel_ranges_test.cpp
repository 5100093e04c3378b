#include "kernels/parallel_ranges.h"

#include <gtest/gtest.h>

#include <atomic>
#include <stdexcept>

namespace gemel::kernels {
namespace {

TEST(ParallelRanges, CoversEveryElementOnceInAnyParts) {
  const std::vector<Extent> extents{{5000, 12}, {3, 12}, {0, 12}, {2500, 4, false}, {4096, 28}};
  int64_t total = 0;
  for (const Extent& extent : extents) total += extent.elements * extent.bytes;
  for (int64_t parts : {1, 2, 3, 7}) {
    std::vector<std::vector<int>> seen;
    for (const Extent& extent : extents) seen.emplace_back(extent.elements, 0);
    for (int64_t part = 0; part < parts; ++part) {
      const int64_t low = total / parts * part;
      const int64_t high = part + 1 == parts ? total + 1 : total / parts * (part + 1);
      int64_t start = 0;
      for (size_t k = 0; k < extents.size(); ++k) {
        const auto [begin, end] = part_of(extents[k], start, low, high);
        for (int64_t i = begin; i < end; ++i) ++seen[k][static_cast<size_t>(i)];
        if (!extents[k].divisible && begin < end) {
          EXPECT_EQ(end - begin, extents[k].elements);
        }
        start += extents[k].elements * extents[k].bytes;
      }
    }
    for (const auto& counts : seen)
      for (int count : counts) ASSERT_EQ(count, 1) << parts;
  }
}

TEST(ParallelRanges, PartsAreAlmostEqual) {
  const std::vector<Extent> extents{{1 << 20, 20}, {100, 20}, {1 << 18, 20}};
  std::atomic<int64_t> most{0}, all{0};
  parallel_ranges(extents, [&](size_t, int64_t begin, int64_t end) {
    all += end - begin;
    int64_t known = most;
    while (end - begin > known && !most.compare_exchange_weak(known, end - begin)) {
    }
  });
  EXPECT_EQ(all, (1 << 20) + 100 + (1 << 18));
  EXPECT_LE(most, std::max<int64_t>(all / thread_count() + 1024, 1 << 18));
}

TEST(ParallelRanges, PassesAnExceptionOn) {
  const std::vector<Extent> extents{{1 << 21, 8}, {1 << 21, 8}};
  EXPECT_THROW(
      parallel_ranges(extents, [](size_t, int64_t, int64_t) { throw std::runtime_error("no"); }),
      std::runtime_error);
}

}  // namespace
}  // namespace gemel::kernels
