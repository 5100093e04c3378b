#include "memory/pool.h"

#include <gtest/gtest.h>

#include <cstring>
#include <random>
#include <thread>

#include "base/error.h"
#include "memory/size_class.h"

namespace gemel::memory {
namespace {

Statistics row(const std::string& owner) {
  for (const Statistics& r : statistics())
    if (r.owner == owner) return r;
  ADD_FAILURE() << "no row " << owner;
  return {};
}

TEST(SizeClass, HoldsWhatItIsFor) {
  for (int64_t bytes = 1; bytes < 200000; bytes += bytes < 5000 ? 1 : 61) {
    const int c = class_of(bytes);
    ASSERT_GE(class_capacity(c), bytes);
    ASSERT_EQ(class_capacity(c) % alignment, 0);
    if (c > 0) {
      ASSERT_LT(class_capacity(c - 1), bytes);
    }
    if (bytes > 256) {
      ASSERT_LE(class_capacity(c) - bytes, class_capacity(c) / 5);
    }
  }
  EXPECT_LT(class_of(max_bytes), class_count);
  EXPECT_EQ(class_capacity(small_classes - 1), 56 << 10);
  EXPECT_EQ(class_capacity(small_classes), 64 << 10);
}

TEST(Pool, BlocksAreAlignedWritableAndDisjoint) {
  std::mt19937 random(1);
  std::vector<Block> blocks;
  for (int i = 0; i < 500; ++i) {
    const int64_t bytes = 1 + static_cast<int64_t>(random() % (i % 10 == 0 ? 300000 : 3000));
    blocks.push_back(allocate(bytes));
    ASSERT_EQ(reinterpret_cast<uintptr_t>(blocks.back().data) % 64, 0u);
    ASSERT_GE(blocks.back().capacity, bytes);
    std::memset(blocks.back().data, i & 255, static_cast<size_t>(bytes));
    if (i % 3 == 2) {
      release(blocks[blocks.size() / 2]);
      blocks.erase(blocks.begin() + static_cast<ptrdiff_t>(blocks.size() / 2));
    }
  }
  std::vector<std::pair<std::byte*, std::byte*>> ranges;
  for (const Block& b : blocks) {
    auto* first = static_cast<std::byte*>(b.data);
    for (int64_t i = 1; i < b.bytes; ++i) ASSERT_EQ(first[i], first[0]);
    ranges.emplace_back(first, first + b.capacity);
  }
  std::sort(ranges.begin(), ranges.end());
  for (size_t i = 1; i < ranges.size(); ++i) EXPECT_LE(ranges[i - 1].second, ranges[i].first);
  for (const Block& b : blocks) release(b);
}

TEST(Pool, ReusesReleasedBlocks) {
  for (const int64_t bytes : {40, 5000, 100 << 10, 5 << 20}) {
    const Block first = allocate(bytes);
    release(first);
    const Block second = allocate(bytes);
    EXPECT_EQ(first.data, second.data) << bytes;
    release(second);
  }
}

TEST(Pool, ZeroBytesHaveAnAddress) {
  const Block block = allocate(0);
  EXPECT_NE(block.data, nullptr);
  EXPECT_EQ(block.bytes, 0);
  release(block);
}

TEST(Pool, RefusesAbsurdSizes) {
  for (const int64_t bytes : {int64_t{-1}, INT64_MIN, max_bytes + 1, INT64_MAX}) {
    try {
      allocate(bytes);
      ADD_FAILURE() << bytes;
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::Memory);
      EXPECT_NE(std::string(error.what()).find(std::to_string(bytes)), std::string::npos);
    }
  }
}

TEST(Pool, OutOfMemoryNamesBytesAskedForAndInUse) {
  const Block held = allocate(100 << 10);
  const int64_t in_use = row("total").current;
  try {
    allocate(max_bytes);  // the whole address space
    ADD_FAILURE();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::Memory);
    const std::string text = error.what();
    EXPECT_NE(text.find(std::to_string(max_bytes)), std::string::npos) << text;
    EXPECT_NE(text.find(std::to_string(in_use) + " bytes in use"), std::string::npos) << text;
  }
  EXPECT_EQ(row("total").current, in_use);
  release(held);
}

TEST(Pool, RefusesAnAbsentDevice) { EXPECT_THROW(allocate(8, {DeviceKind::gpu, 0}), Error); }

TEST(Statistics, CountsByOwnerExactlyForLargeBlocks) {
  reset_peaks();
  const Statistics before = row("gradient"), total = row("total");
  {
    OwnerScope scope(Owner::gradient);
    const Block a = allocate(70001), b = allocate(1 << 20);
    {
      OwnerScope inner(Owner::data);
      release(a);  // counted to whom it was taken for
    }
    const Block c = allocate(30);
    EXPECT_EQ(row("gradient").current, before.current + (1 << 20) + 30);
    EXPECT_EQ(row("gradient").peak, before.current + (1 << 20) + 70001);
    EXPECT_EQ(row("gradient").allocations, before.allocations + 3);
    EXPECT_EQ(row("total").peak, total.current + (1 << 20) + 70001);
    release(b);
    release(c);
  }
  EXPECT_EQ(row("gradient").current, before.current);
  reset_peaks();
  EXPECT_EQ(row("gradient").peak, before.current);
}

TEST(Statistics, SumsThreadsThatEnded) {
  const int64_t before = row("data").current, allocations = row("data").allocations;
  std::vector<Block> blocks(4 * 200);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      OwnerScope scope(Owner::data);
      for (int i = 0; i < 200; ++i) blocks[static_cast<size_t>(t * 200 + i)] = allocate(100 + i);
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(row("data").current, before + 4 * (200 * 100 + 199 * 100));
  EXPECT_EQ(row("data").allocations, allocations + 800);
  for (const Block& block : blocks) release(block);  // on another thread
  EXPECT_EQ(row("data").current, before);
}

TEST(Pool, BlocksMoveBetweenThreads) {
  constexpr int rounds = 300;
  const int64_t before = row("total").current;
  std::vector<Block> handed(64);
  for (int round = 0; round < rounds; ++round) {
    std::thread producer;
    auto make = [&] {
      for (size_t i = 0; i < handed.size(); ++i) {
        handed[i] = allocate(static_cast<int64_t>(i * i * 20 + 1));
        std::memset(handed[i].data, static_cast<int>(i), static_cast<size_t>(handed[i].bytes));
      }
    };
    if (round % 50 == 0) {
      producer = std::thread(make);
      producer.join();
    } else {
      make();
    }
    for (size_t i = 0; i < handed.size(); ++i) {
      ASSERT_EQ(static_cast<unsigned char*>(handed[i].data)[handed[i].bytes - 1], i);
      release(handed[i]);
    }
  }
  EXPECT_EQ(row("total").current, before);
}

TEST(Pool, TrimGivesBackCachedBlocks) {
  release(allocate(3 << 20));
  EXPECT_GE(row("cached").current, 3 << 20);
  trim();
  EXPECT_EQ(row("cached").current, 0);
  const Block block = allocate(3 << 20);
  static_cast<std::byte*>(block.data)[block.bytes - 1] = std::byte{1};
  release(block);
}

TEST(Pool, ThreadExitMayReleaseLate) {
  // A thread-local made before the cache dies after it: its release finds no cache.
  struct Late {
    Block block;
    ~Late() { release(block); }
  };
  const int64_t before = row("array").current;
  std::thread([] {
    thread_local Late late;
    late.block = allocate(500);
    std::memset(late.block.data, 1, 500);
  }).join();
  EXPECT_EQ(row("array").current, before);
}

}  // namespace
}  // namespace gemel::memory
