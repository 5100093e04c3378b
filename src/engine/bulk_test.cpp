#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "base/error.h"
#include "engine/bulk.h"
#include "engine/engine.h"
#include "engine/testing.h"
#include "engine/trace.h"

namespace gemel::engine {
namespace {

using Bulks = testing::EveryKind<2>;
using testing::poisoned;

TEST_P(Bulks, CollectsUntilFullAndFlushesAtTheEnd) {
  Ref<Tag> a = make_tag();
  Tag* ta[] = {a.get()};
  trace_start();
  std::vector<int> order;
  {
    Bulk bulk(10);
    for (int i = 0; i < 25; ++i)
      push([&order, i] { order.push_back(i); }, {.writes = ta, .small = true});
  }
  wait_for_read(*a);
  trace_stop();
  ASSERT_EQ(order.size(), 25u);
  for (int i = 0; i < 25; ++i) EXPECT_EQ(order[i], i);
  int tasks = 0, parts = 0;
  for (const TraceRecord& record : trace_take())
    if (record.kind == TraceKind::task) (record.part ? parts : tasks) += 1;
  EXPECT_EQ(tasks, 3);
  EXPECT_EQ(parts, 25);
}

TEST_P(Bulks, FlushesBeforeWaitsAndOtherPushes) {
  Ref<Tag> a = make_tag(), b = make_tag();
  Tag *ta[] = {a.get()}, *tb[] = {b.get()};
  std::vector<int> order;
  auto note = [&](int n) { return [&order, n] { order.push_back(n); }; };
  Bulk bulk(100);
  push(note(1), {.writes = ta, .small = true});
  wait_for_read(*a);
  EXPECT_EQ(order.size(), 1u);
  push(note(2), {.writes = ta, .small = true});
  push(note(3), {.writes = ta});  // not small
  push(note(4), {.writes = ta, .small = true});
  push_async([&](Completion done) { order.push_back(5), done(nullptr); }, {.writes = ta});
  push(note(6), {.reads = tb, .writes = ta, .small = true});
  wait_all();
  EXPECT_EQ(order, (std::vector<int>{1, 2, 3, 4, 5, 6}));
}

TEST_P(Bulks, FailuresAreSeparate) {
  Ref<Tag> a = make_tag(), b = make_tag(), c = make_tag(), d = make_tag();
  Tag *ta[] = {a.get()}, *tb[] = {b.get()}, *tc[] = {c.get()}, *td[] = {d.get()};
  push([] { fail(ErrorKind::Input, "before"); }, {.writes = td});
  int ran = 0;
  {
    Bulk bulk(100);
    push([&] { ++ran; }, {.writes = tc, .small = true});
    push([] { fail(ErrorKind::Input, "inside"); }, {.writes = ta, .small = true});
    push([&] { ++ran; }, {.reads = ta, .writes = tb, .small = true});  // skipped
    push([&] { ++ran; }, {.reads = tc, .writes = ta, .small = true});  // heals
    push([&] { ++ran; }, {.reads = td, .writes = tc, .small = true});  // skipped
    push([&] { ++ran; }, {.reads = ta, .small = true});
  }
  EXPECT_FALSE(poisoned(*a));
  EXPECT_TRUE(poisoned(*b));
  EXPECT_TRUE(poisoned(*c));
  EXPECT_TRUE(poisoned(*d));
  EXPECT_EQ(ran, 3);
}

TEST_P(Bulks, DeletionJoinsTheBulk) {
  int uses = 0, at_deletion = -1;
  {
    Bulk bulk(100);
    Ref<Tag> a = make_tag();
    Tag* ta[] = {a.get()};
    push([&] { ++uses; }, {.writes = ta, .small = true});
    push([&] { ++uses; }, {.reads = ta, .small = true});
    delete_tag(std::move(a), [&] { at_deletion = uses; });
    EXPECT_EQ(at_deletion, -1);
  }
  wait_all();
  EXPECT_EQ(at_deletion, 2);
}

TEST_P(Bulks, NestsAndStaysOnItsThread) {
  std::thread::id here = std::this_thread::get_id(), inlined;
  std::atomic<int> ran{0};
  {
    Bulk outer(100);
    push([&] { ++ran; }, {.small = true});
    {
      Bulk inner(2);
      EXPECT_THROW(Bulk(0), Error);
      for (int i = 0; i < 3; ++i) push([&] { ++ran; }, {.small = true});
    }
    push([&] { ++ran; }, {.small = true});
    std::thread([&] {
      push([&] { inlined = std::this_thread::get_id(); }, {.small = true});
      wait_all();  // not of what this thread's neighbour has collected
      EXPECT_EQ(inlined, std::this_thread::get_id());
    }).join();
    EXPECT_NE(inlined, here);
  }
  wait_all();
  EXPECT_EQ(ran, 5);
}

TEST_P(Bulks, ManyTags) {
  std::vector<Ref<Tag>> tags;
  std::vector<Tag*> all;
  for (int i = 0; i < 3000; ++i) all.push_back(tags.emplace_back(make_tag()).get());
  std::atomic<int> ran{0};
  {
    Bulk bulk(100000);
    for (int round = 0; round < 2; ++round) {
      for (int i = 0; i + 3 <= 3000; i += 3) {
        push([&] { ++ran; }, {.reads = std::span(all).subspan(i, 3),
                              .writes = std::span(all).subspan(i, 1),
                              .small = true});
      }
    }
    wait_all();
  }
  EXPECT_EQ(ran, 2000);
}

TEST_P(Bulks, OfAThreadWithoutAScope) {
  EXPECT_EQ(detail::set_bulk_size(10), 0);
  Ref<Tag> a = make_tag();
  Tag* ta[] = {a.get()};
  std::atomic<int> ran{0};
  for (int i = 0; i < 4; ++i) push([&] { ++ran; }, {.reads = ta, .writes = ta, .small = true});
  EXPECT_EQ(ran, 0);
  wait_for_read(*a);
  EXPECT_EQ(ran, 4);
  push([&] { ++ran; }, {.writes = ta, .small = true});
  EXPECT_EQ(detail::set_bulk_size(1), 10);  // pushes what was collected
  wait_for_read(*a);
  EXPECT_EQ(ran, 5);
  EXPECT_EQ(detail::set_bulk_size(0), 1);
  std::thread([&] {
    detail::set_bulk_size(5);
    push([&] { ++ran; }, {.writes = ta, .small = true});
  }).join();  // its end pushes
  wait_all();
  EXPECT_EQ(ran, 6);
  Bulk scope(3);
  EXPECT_THROW(detail::set_bulk_size(4), Error);
}

INSTANTIATE_TEST_SUITE_P(Kinds, Bulks, testing::kinds(), testing::kind_name);

}  // namespace
}  // namespace gemel::engine
