#include "base/pointer_map.h"

#include <gtest/gtest.h>

#include <string>
#include <unordered_map>
#include <vector>

namespace gemel {
namespace {

TEST(PointerMap, AnEmptyMapFindsNothing) {
  const PointerMap<int, int> map;
  int key = 0;
  EXPECT_TRUE(map.empty());
  EXPECT_FALSE(map.contains(&key));
  EXPECT_EQ(map.find(&key), nullptr);
}

TEST(PointerMap, HoldsWhatAnOrdinaryMapHolds) {
  std::vector<int> keys(5000);
  PointerMap<int, std::string> map;
  std::unordered_map<const int*, std::string> expected;
  for (size_t i = 0; i < keys.size(); i += 1 + i % 3) {
    map[&keys[i]] = std::to_string(i);
    expected[&keys[i]] = std::to_string(i);
  }
  EXPECT_EQ(map.size(), expected.size());
  EXPECT_FALSE(map.contains(nullptr));
  for (const int& key : keys) {
    const auto found = expected.find(&key);
    ASSERT_EQ(map.contains(&key), found != expected.end());
    if (found != expected.end()) {
      EXPECT_EQ(map.at(&key), found->second);
    }
  }
}

TEST(PointerMap, KeepsTheFirstValueOfAKey) {
  int key = 0;
  PointerMap<int, int> map;
  EXPECT_TRUE(map.try_emplace(&key, 1).second);
  const auto [value, fresh] = map.try_emplace(&key, 2);
  EXPECT_FALSE(fresh);
  EXPECT_EQ(*value, 1);
  *map.find(&key) = 3;
  EXPECT_EQ(map.at(&key), 3);
}

TEST(PointerMap, RoomForKeysChangesNothing) {
  std::vector<int> keys(100);
  PointerMap<int, int> map;
  map.reserve(keys.size());
  for (int i = 0; i < 100; ++i) map[&keys[static_cast<size_t>(i)]] = i;
  map.reserve(1000);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(map.at(&keys[static_cast<size_t>(i)]), i);
}

TEST(PointerSet, TellsWhatIsNew) {
  int a = 0, b = 0;
  PointerSet<int> set;
  EXPECT_TRUE(set.insert(&a));
  EXPECT_FALSE(set.insert(&a));
  EXPECT_TRUE(set.contains(&a));
  EXPECT_FALSE(set.contains(&b));
}

}  // namespace
}  // namespace gemel
