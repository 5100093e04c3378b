#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <thread>

#include "base/error.h"
#include "engine/engine.h"
#include "engine/testing.h"

namespace gemel::engine {
namespace {

using testing::poisoned;

struct Split : ::testing::Test {
  void SetUp() override { configure({.compute_workers = 4}); }
  void TearDown() override {
    try {
      wait_all();
    } catch (...) {
    }
    configure({});
  }
};

void fail_write(Tag& tag) {
  Tag* tags[] = {&tag};
  push([] { fail(ErrorKind::Input, "failed write"); }, {.writes = tags});
}

void write(Tag& tag) {
  Tag* tags[] = {&tag};
  push([] {}, {.writes = tags, .small = true});
}

TEST_F(Split, RegionsAreIndependent) {
  Ref<Tag> parent = make_tag();
  std::vector<Ref<Tag>> regions = split(*parent, 4);
  std::atomic<int> arrived{0};
  for (Ref<Tag>& region : regions) {
    Tag* tags[] = {region.get()};
    push(
        [&] {
          ++arrived;
          while (arrived < 4) std::this_thread::yield();  // ends only if all four run together
        },
        {.writes = tags});
  }
  wait_for_read(*parent);
  EXPECT_EQ(arrived, 4);
}

TEST_F(Split, ParentIsOrderedAgainstEveryRegion) {
  Ref<Tag> parent = make_tag();
  std::array<int, 4> value{};
  Tag* whole[] = {parent.get()};
  push([&] { value.fill(1); }, {.writes = whole});
  std::vector<Ref<Tag>> regions = split(*parent, 4);
  int wrong = 0;
  for (int round = 0; round < 50; ++round) {
    for (int i = 0; i < 4; ++i) {
      Tag* tags[] = {regions[i].get()};
      push([&value, i] { ++value[i]; }, {.reads = tags, .writes = tags});
    }
    push(
        [&, round] {
          for (int v : value) wrong += v != round + 2;
        },
        {.reads = whole});
    push([] {}, {.reads = whole, .writes = whole});
  }
  wait_for_write(*parent);
  EXPECT_EQ(wrong, 0);
  for (int v : value) EXPECT_EQ(v, 51);
}

TEST_F(Split, RegionsOfRegions) {
  Ref<Tag> parent = make_tag();
  std::vector<Ref<Tag>> halves = split(*parent, 2);
  std::vector<Ref<Tag>> quarters = split(*halves[0], 2);
  std::vector<int> order;
  auto note = [&](int n) { return [&order, n] { order.push_back(n); }; };
  Tag *p[] = {parent.get()}, *h[] = {halves[0].get()}, *q[] = {quarters[1].get()};
  push(note(1), {.writes = q});
  push(note(2), {.writes = p});
  push(note(3), {.writes = q});
  push(note(4), {.writes = h});
  push(note(5), {.writes = q});
  push(note(6), {.reads = p});
  wait_for_write(*quarters[1]);
  EXPECT_EQ(order, (std::vector<int>{1, 2, 3, 4, 5, 6}));
}

TEST_F(Split, PoisonFollowsTheBytes) {
  Ref<Tag> parent = make_tag();
  std::vector<Ref<Tag>> r = split(*parent, 3);
  fail_write(*r[1]);
  EXPECT_TRUE(poisoned(*parent));
  EXPECT_TRUE(poisoned(*r[1]));
  EXPECT_FALSE(poisoned(*r[0]));
  write(*r[1]);  // heals its bytes and with them the parent
  EXPECT_FALSE(poisoned(*parent));
  fail_write(*parent);
  EXPECT_TRUE(poisoned(*r[0]) && poisoned(*r[2]));
  write(*r[0]);
  EXPECT_FALSE(poisoned(*r[0]));
  EXPECT_TRUE(poisoned(*parent));
  write(*parent);
  EXPECT_FALSE(poisoned(*parent) || poisoned(*r[0]) || poisoned(*r[1]) || poisoned(*r[2]));
}

TEST_F(Split, PoisonOutlivesTheRegionsTag) {
  configure({.kind = "naive"});  // a worker may hold the old regions a moment longer than the wait
  Ref<Tag> parent = make_tag();
  std::vector<Ref<Tag>> r = split(*parent, 2);
  fail_write(*r[0]);
  EXPECT_TRUE(poisoned(*r[0]));
  r.clear();
  EXPECT_TRUE(poisoned(*parent));
  r = split(*parent, 2);  // of a poisoned tag: every region is
  EXPECT_TRUE(poisoned(*r[0]) && poisoned(*r[1]));
  write(*r[0]);
  write(*r[1]);
  EXPECT_FALSE(poisoned(*parent));
}

TEST_F(Split, SecondSplitIsOrderedLikeTheWhole) {
  Ref<Tag> parent = make_tag();
  std::vector<Ref<Tag>> a = split(*parent, 2), b = split(*parent, 3);
  std::vector<int> order;
  auto note = [&](int n) { return [&order, n] { order.push_back(n); }; };
  for (int i = 0; i < 30; ++i) {
    Tag* tags[] = {i % 2 ? a[0].get() : b[i % 3].get()};
    push(note(i), {.writes = tags});
  }
  wait_for_read(*b[1]);
  ASSERT_EQ(order.size(), 30u);
  for (int i = 0; i < 30; ++i) EXPECT_EQ(order[i], i);
  fail_write(*b[0]);
  EXPECT_TRUE(poisoned(*parent) && poisoned(*a[0]) && poisoned(*a[1]));
  write(*b[1]);
  EXPECT_TRUE(poisoned(*parent));
  write(*parent);
  EXPECT_FALSE(poisoned(*parent) || poisoned(*b[0]) || poisoned(*a[1]));
}

TEST_F(Split, OneTaskOnParentAndRegions) {
  Ref<Tag> parent = make_tag();
  std::vector<Ref<Tag>> r = split(*parent, 2);
  int ran = 0;
  Tag* reads[] = {parent.get(), r[0].get()};
  Tag* writes[] = {r[1].get(), r[0].get()};
  for (int i = 0; i < 10; ++i)
    push([&] { ++ran; }, {.reads = reads, .writes = writes, .small = true});
  wait_for_write(*parent);
  EXPECT_EQ(ran, 10);
}

TEST_F(Split, TaskOnARegionMayNotWaitForTheParent) {
  Ref<Tag> parent = make_tag();
  std::vector<Ref<Tag>> r = split(*parent, 2);
  Tag *region[] = {r[0].get()}, *whole[] = {parent.get()};
  std::atomic<int> refused{0};
  auto try_wait = [&](Tag& tag) {
    try {
      wait_for_read(tag);
    } catch (const Error&) {
      ++refused;
    }
  };
  push([&] { try_wait(*parent), try_wait(*r[1]); }, {.writes = region});
  wait_all();
  EXPECT_EQ(refused, 1);  // the other region is free
  push([&] { try_wait(*r[1]); }, {.writes = whole});
  wait_all();
  EXPECT_EQ(refused, 2);
}

TEST_F(Split, DeletionAndMisuse) {
  Ref<Tag> parent = make_tag();
  EXPECT_THROW(split(*parent, 0), Error);
  std::vector<Ref<Tag>> r = split(*parent, 2);
  std::atomic<int> ran{0};
  int at_region = -1, at_parent = -1;
  Tag* region[] = {r[0].get()};
  push([&] { ++ran; }, {.writes = region});
  delete_tag(std::move(r[0]), [&] { at_region = ran; });
  delete_tag(std::move(parent), [&] { at_parent = at_region; });
  r.clear();
  wait_all();
  EXPECT_EQ(at_parent, 1);
}

}  // namespace
}  // namespace gemel::engine
