// Giving work up: queued tasks are skipped in their turn, and readers are told why.
#include <gtest/gtest.h>

#include <future>

#include "base/error.h"
#include "engine/engine.h"
#include "engine/testing.h"

namespace gemel::engine {
namespace {

using Cancelling = testing::EveryKind<2>;

ErrorKind kind_of(Tag& tag) {
  try {
    wait_for_read(tag);
  } catch (const Error& error) {
    return error.kind();
  }
  return ErrorKind::Internal;
}

TEST_P(Cancelling, WhatIsPushedAfterTheRequestDoesNotRun) {
  Ref<Tag> a = make_tag(), b = make_tag();
  Tag *ta[] = {a.get()}, *tb[] = {b.get()};
  Ref<Cancellation> request = make_ref<Cancellation>();
  int ran = 0;
  push([&] { ++ran; }, {.writes = ta, .small = true, .cancellation = request.get()});
  wait_for_read(*a);
  request->cancel();
  EXPECT_TRUE(request->cancelled());
  for (bool small : {false, true})
    push([&] { ++ran; }, {.writes = ta, .small = small, .cancellation = request.get()});
  push([&] { ++ran; }, {.reads = ta, .writes = tb});  // depends on it
  EXPECT_EQ(kind_of(*a), ErrorKind::Cancelled);
  EXPECT_EQ(kind_of(*b), ErrorKind::Cancelled);
  EXPECT_EQ(ran, 1);
  push([&] { ++ran; }, {.writes = ta});  // a complete write heals
  wait_for_read(*a);
  EXPECT_EQ(ran, 2);
  wait_all();  // whoever cancelled knows: nothing is reported
}

TEST_P(Cancelling, FinalisersAndAsynchronousTasks) {
  Ref<Tag> a = make_tag();
  Tag* ta[] = {a.get()};
  Ref<Cancellation> request = make_ref<Cancellation>();
  request->cancel();
  int ran = 0;
  push_async([&](Completion done) { ++ran, done(nullptr); },
             {.writes = ta, .cancellation = request.get()});
  EXPECT_EQ(kind_of(*a), ErrorKind::Cancelled);
  EXPECT_EQ(ran, 0);
  push([&] { ++ran; }, {.writes = ta, .finaliser = true, .cancellation = request.get()});
  wait_for_read(*a);
  EXPECT_EQ(ran, 1);
}

TEST_P(Cancelling, InABulkScope) {
  Ref<Tag> a = make_tag();
  Tag* ta[] = {a.get()};
  Ref<Cancellation> request = make_ref<Cancellation>();
  request->cancel();
  std::vector<int> ran;
  {
    Bulk bulk(10);
    push([&] { ran.push_back(1); }, {.writes = ta, .small = true});
    push([&] { ran.push_back(2); },
         {.reads = ta, .writes = ta, .small = true, .cancellation = request.get()});
    push([&] { ran.push_back(3); }, {.reads = ta, .writes = ta, .small = true});
  }
  EXPECT_EQ(kind_of(*a), ErrorKind::Cancelled);
  EXPECT_EQ(ran, std::vector<int>{1});
}

INSTANTIATE_TEST_SUITE_P(Kinds, Cancelling, testing::kinds(), testing::kind_name);

TEST(CancellationOfQueuedTasks, LeavesTheRunningOneAlone) {
  configure({.compute_workers = 1});
  Ref<Tag> a = make_tag();
  Tag* ta[] = {a.get()};
  Ref<Cancellation> request = make_ref<Cancellation>();
  std::promise<void> started, open;
  bool first = false, second = false, asked = false;
  push(
      [&] {
        started.set_value();
        open.get_future().wait();
        asked = request->cancelled();
        first = true;
      },
      {.writes = ta, .cancellation = request.get()});
  push([&] { second = true; }, {.reads = ta, .writes = ta, .cancellation = request.get()});
  started.get_future().wait();
  request->cancel();
  open.set_value();
  EXPECT_EQ(kind_of(*a), ErrorKind::Cancelled);
  EXPECT_TRUE(first && asked);
  EXPECT_FALSE(second);
  configure({});
}

}  // namespace
}  // namespace gemel::engine
