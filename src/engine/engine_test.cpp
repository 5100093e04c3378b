// The promises of engine.h, one by one.
#include "engine/engine.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <future>
#include <thread>

#include "base/error.h"
#include "engine/testing.h"

namespace gemel::engine {
namespace {

using Engine = testing::EveryKind<3>;

std::string message(const std::function<void()>& f) {
  try {
    f();
  } catch (const std::exception& e) {
    return e.what();
  }
  return "";
}

// Holds a worker until released.
struct Gate {
  std::promise<void> promise;
  std::shared_future<void> opened{promise.get_future()};
  void open() { promise.set_value(); }
};

TEST_P(Engine, RunsInPushOrderOnOneTag) {
  Ref<Tag> a = make_tag();
  Tag* tags[] = {a.get()};
  std::vector<int> order;
  for (int i = 0; i < 100; ++i) {
    push([&order, i] { order.push_back(i); }, {.reads = tags, .writes = tags, .small = i % 3 == 0});
  }
  wait_for_read(*a);
  ASSERT_EQ(order.size(), 100u);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(order[i], i);
}

TEST_P(Engine, WriterWaitsForReaders) {
  Ref<Tag> a = make_tag();
  Tag* tags[] = {a.get()};
  std::atomic<int> readers{0};
  int seen = -1;
  for (int i = 0; i < 8; ++i) push([&] { ++readers; }, {.reads = tags});
  push([&] { seen = readers; }, {.writes = tags});
  wait_for_read(*a);
  EXPECT_EQ(seen, 8);
}

TEST_P(Engine, FailurePoisonsReadersAndHeals) {
  Ref<Tag> a = make_tag(), b = make_tag();
  Tag *ta[] = {a.get()}, *tb[] = {b.get()};
  for (bool small : {false, true}) {
    bool ran = false;
    push([] { fail(ErrorKind::Input, "first"); }, {.writes = ta, .small = small});
    push([&] { ran = true; }, {.reads = ta, .writes = tb, .small = small});
    EXPECT_EQ(message([&] { wait_for_read(*b); }), "first");
    EXPECT_EQ(message([&] { wait_for_read(*a); }), "first");
    EXPECT_EQ(message([&] { wait_for_write(*a); }), "first");
    EXPECT_FALSE(ran);
    push([] {}, {.reads = ta, .writes = ta, .small = small});  // reads too: does not heal
    EXPECT_EQ(message([&] { wait_for_read(*a); }), "first");
    push([] {}, {.writes = ta, .small = small});
    push([] {}, {.writes = tb, .small = small});
    EXPECT_EQ(message([&] { wait_for_read(*a); }), "");
    EXPECT_EQ(message([&] { wait_for_read(*b); }), "");
    EXPECT_EQ(message([&] { wait_all(); }), "");  // reported by the waits
  }
}

TEST_P(Engine, WaitAllReportsEachFailureOnce) {
  Ref<Tag> a = make_tag(), b = make_tag();
  Tag *ta[] = {a.get()}, *tb[] = {b.get()};
  push([] { fail(ErrorKind::Key, "one"); }, {.writes = ta});
  EXPECT_EQ(message([&] { wait_all(); }), "one");
  EXPECT_EQ(message([&] { wait_all(); }), "");
  push([] { fail(ErrorKind::Key, "two"); }, {.writes = ta});
  push([] { throw 3; }, {.writes = tb, .small = true});
  push([] { throw std::runtime_error("four"); }, {});
  std::string text = message([&] { wait_all(); });
  EXPECT_NE(text.find("two"), std::string::npos) << text;
  EXPECT_NE(text.find("four"), std::string::npos) << text;
  EXPECT_NE(text.find("3 tasks failed"), std::string::npos) << text;
  EXPECT_EQ(message([&] { wait_all(); }), "");
  EXPECT_EQ(message([&] { wait_for_read(*a); }), "two");  // the value is still bad
}

TEST_P(Engine, FinaliserRunsOnPoisonAndHeals) {
  Ref<Tag> a = make_tag(), b = make_tag();
  Tag *ta[] = {a.get()}, *tb[] = {b.get()};
  push([] { fail(ErrorKind::Input, "bad"); }, {.writes = ta});
  bool ran = false;
  push([&] { ran = true; }, {.reads = ta, .writes = tb, .finaliser = true});
  EXPECT_EQ(message([&] { wait_for_read(*b); }), "");
  EXPECT_TRUE(ran);
  push([&] {}, {.reads = ta, .writes = ta, .finaliser = true});
  EXPECT_EQ(message([&] { wait_for_read(*a); }), "");
  EXPECT_EQ(message([&] { wait_all(); }), "bad");
}

TEST_P(Engine, AsynchronousTaskHoldsItsTagsUntilCompletion) {
  Ref<Tag> a = make_tag();
  Tag* ta[] = {a.get()};
  int value = 0, seen = 0;
  std::thread other;
  push_async(
      [&](Completion done) {
        other = std::thread([&value, done] {
          std::this_thread::sleep_for(std::chrono::milliseconds(5));
          value = 7;
          done(nullptr);
          done(std::make_exception_ptr(Error(ErrorKind::Input, "late")));  // only the first counts
        });
      },
      {.writes = ta, .resource = Resource::network});
  push([&] { seen = value; }, {.reads = ta});
  wait_for_write(*a);
  EXPECT_EQ(seen, 7);
  other.join();
}

TEST_P(Engine, AsynchronousFailures) {
  Ref<Tag> a = make_tag();
  Tag* ta[] = {a.get()};
  push_async(
      [](Completion done) { done(std::make_exception_ptr(Error(ErrorKind::Input, "told"))); },
      {.writes = ta});
  EXPECT_EQ(message([&] { wait_for_read(*a); }), "told");
  push_async([](Completion) { fail(ErrorKind::Input, "thrown"); }, {.writes = ta});
  EXPECT_EQ(message([&] { wait_for_read(*a); }), "thrown");
  push_async([](Completion) {}, {.writes = ta, .name = "forgetful"});
  EXPECT_NE(message([&] { wait_for_read(*a); }).find("forgetful"), std::string::npos);
  bool ran = false;
  push_async([&](Completion done) { ran = true, done(nullptr); }, {.reads = ta, .writes = ta});
  EXPECT_NE(message([&] { wait_for_read(*a); }).find("forgetful"), std::string::npos);
  EXPECT_FALSE(ran);
}

TEST_P(Engine, DeletionWaitsForEveryUse) {
  std::atomic<int> uses{0};
  int at_deletion = -1;
  Ref<Tag> a = make_tag();
  Tag* ta[] = {a.get()};
  for (int i = 0; i < 5; ++i) push([&] { ++uses; }, {.reads = ta});
  push([&] { ++uses; }, {.writes = ta});
  delete_tag(std::move(a), [&] { at_deletion = uses; });
  wait_all();
  EXPECT_EQ(at_deletion, 6);
  bool freed = false;
  delete_tag(make_tag(), [&] { freed = true; });  // free: at once
  EXPECT_TRUE(freed);
  delete_tag(make_tag(), nullptr);
  delete_tag(make_tag(), [] { fail(ErrorKind::Input, "in deletion"); });
  EXPECT_EQ(message([&] { wait_all(); }), "in deletion");
}

TEST_P(Engine, DroppedTagsLiveUntilTheirTasksAreDone) {
  std::atomic<int> ran{0};
  for (int i = 0; i < 50; ++i) {
    Ref<Tag> a = make_tag();
    Tag* ta[] = {a.get()};
    push([&] { ++ran; }, {.writes = ta});
    push([&] { ++ran; }, {.reads = ta});
  }
  wait_all();
  EXPECT_EQ(ran, 100);
}

TEST_P(Engine, TasksPushTasks) {
  Ref<Tag> a = make_tag();
  Tag* ta[] = {a.get()};
  std::vector<int> order;  // every access is ordered by the tag
  push(
      [&] {
        order.push_back(1);
        push([&] { order.push_back(3); }, {.writes = ta, .small = true});
        push([&] { order.push_back(4); }, {.writes = ta});
        order.push_back(2);
      },
      {.writes = ta, .small = true});
  wait_all();
  EXPECT_EQ(order, (std::vector<int>{1, 2, 3, 4}));
}

TEST_P(Engine, DeepRecursionOfSmallTasks) {
  std::atomic<int> count{0};
  std::function<void()> step = [&] {
    if (++count < 20000) push(step, {.small = true});
  };
  push(step, {.small = true});
  wait_all();
  EXPECT_EQ(count, 20000);
}

TEST_P(Engine, WaitingInsideATaskThrows) {
  Ref<Tag> a = make_tag(), b = make_tag(), free = make_tag();
  Tag *ta[] = {a.get()}, *tb[] = {b.get()};
  for (bool small : {false, true}) {
    std::string own, all, other, unused = "?";
    push(
        [&] {
          EXPECT_TRUE(inside_task());
          own = message([&] { wait_for_read(*a); });
          all = message([&] { wait_all(); });
          unused = message([&] { wait_for_write(*free); });
          push([] {}, {.reads = ta, .writes = tb});
          other = message([&] { wait_for_read(*b); });
        },
        {.writes = ta, .small = small});
    wait_all();
    EXPECT_FALSE(inside_task());
    EXPECT_NE(own.find("holds itself"), std::string::npos) << own;
    EXPECT_NE(all.find("inside a task"), std::string::npos) << all;
    EXPECT_NE(other.find("other tasks still use"), std::string::npos) << other;
    EXPECT_EQ(unused, "");
  }
}

TEST_P(Engine, DuplicatesAreAllowed) {
  Ref<Tag> a = make_tag(), b = make_tag();
  Tag* reads[] = {a.get(), b.get(), a.get(), b.get()};
  Tag* writes[] = {b.get(), b.get()};
  int ran = 0;
  for (bool small : {true, false}) {
    push([&] { ++ran; }, {.reads = reads, .writes = writes, .small = small});
    push([&, small] { push([&] { ++ran; }, {.reads = reads, .writes = writes, .small = small}); },
         {.reads = reads, .writes = writes, .small = small});
  }
  wait_all();
  EXPECT_EQ(ran, 4);
}

TEST_P(Engine, ManyTags) {
  std::vector<Ref<Tag>> tags;
  std::vector<Tag*> pointers;
  for (int i = 0; i < 500; ++i) pointers.push_back((tags.emplace_back(make_tag())).get());
  int ran = 0;
  for (int i = 0; i < 4; ++i)
    push([&] { ++ran; }, {.reads = pointers, .writes = pointers, .small = true});
  wait_for_write(*tags[333]);
  EXPECT_EQ(ran, 4);
}

TEST_P(Engine, ClosuresAreGoneWhenWaitReturns) {
  auto shared = std::make_shared<int>(1);
  Ref<Tag> a = make_tag();
  Tag* ta[] = {a.get()};
  push([shared] {}, {.writes = ta});
  push([shared] { throw 1; }, {.writes = ta});
  push([shared] {}, {.reads = ta});  // skipped
  EXPECT_ANY_THROW(wait_all());
  EXPECT_EQ(shared.use_count(), 1);
}

TEST_P(Engine, PushRunIsOneTask) {
  Ref<Tag> a = make_tag();
  Tag* ta[] = {a.get()};
  std::vector<int> order;
  std::vector<Function> functions;
  for (int i = 0; i < 5; ++i) functions.emplace_back([&order, i] { order.push_back(i); });
  functions.emplace_back([] { fail(ErrorKind::Input, "stop"); });
  functions.emplace_back([&order] { order.push_back(99); });
  push_run(std::move(functions), {.writes = ta});
  EXPECT_EQ(message([&] { wait_for_read(*a); }), "stop");
  EXPECT_EQ(order, (std::vector<int>{0, 1, 2, 3, 4}));
}

TEST_P(Engine, SeveralPushingThreads) {
  std::vector<Ref<Tag>> tags;
  for (int i = 0; i < 4; ++i) tags.push_back(make_tag());
  int64_t sums[4] = {};
  auto produce = [&](unsigned seed) {
    for (int i = 0; i < 2000; ++i) {
      unsigned x = (seed = seed * 1664525u + 1013904223u) >> 16;
      Tag* writes[] = {tags[x % 4].get(), tags[x / 4 % 4].get()};
      push([&, x] { ++sums[x % 4], ++sums[x / 4 % 4]; },
           {.reads = writes, .writes = writes, .small = x & 64 ? true : false});
    }
  };
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < 4; ++i) threads.emplace_back(produce, i);
  produce(17);
  for (std::thread& thread : threads) thread.join();
  wait_all();
  EXPECT_EQ(sums[0] + sums[1] + sums[2] + sums[3], 5 * 2000 * 2);
}

INSTANTIATE_TEST_SUITE_P(Kinds, Engine, testing::kinds(), testing::kind_name);

// Promises of the threaded engine.

struct Threaded : ::testing::Test {
  void TearDown() override { configure({}); }
};

TEST_F(Threaded, PrioritiesOrderReadyTasks) {
  configure({.compute_workers = 1});
  Gate gate;
  push([&] { gate.opened.wait(); }, {});
  std::vector<int> order;
  for (int priority : {0, -1, 5, 0, 7, -3, 5}) {
    push([&order, priority] { order.push_back(priority); }, {.priority = priority});
  }
  gate.open();
  wait_all();
  EXPECT_EQ(order, (std::vector<int>{7, 5, 5, 0, 0, -1, -3}));
}

TEST_F(Threaded, SmallTaskOnFreeTagsRunsOnTheCaller) {
  configure({.compute_workers = 1});
  Ref<Tag> a = make_tag();
  Tag* ta[] = {a.get()};
  std::thread::id where;
  push([&] { where = std::this_thread::get_id(); }, {.writes = ta, .small = true});
  EXPECT_EQ(where, std::this_thread::get_id());
  Gate gate;
  push([&] { gate.opened.wait(); }, {.reads = ta});
  push([&] { where = std::this_thread::get_id(); }, {.writes = ta, .small = true});
  gate.open();
  wait_for_read(*a);
  EXPECT_NE(where, std::this_thread::get_id());
}

TEST_F(Threaded, ResourcesHaveTheirOwnWorkers) {
  configure({.compute_workers = 1});
  Gate gate;
  std::thread::id threads[4];
  std::atomic<int> ran{0};
  push([&] { threads[0] = std::this_thread::get_id(), gate.opened.wait(); }, {});
  for (int i = 1; i < 4; ++i) {
    push([&, i] { threads[i] = std::this_thread::get_id(), ++ran; },
         {.resource = static_cast<Resource>(i)});
  }
  while (ran < 3) std::this_thread::yield();  // although compute is blocked
  gate.open();
  wait_all();
  for (int i = 0; i < 4; ++i) {
    for (int j = 0; j < i; ++j) EXPECT_NE(threads[i], threads[j]);
  }
}

TEST_F(Threaded, IndependentTasksOverlap) {
  configure({.compute_workers = 4});
  std::atomic<int> arrived{0};
  for (int i = 0; i < 4; ++i) {
    push(
        [&] {
          ++arrived;
          while (arrived < 4) std::this_thread::yield();
        },
        {});
  }
  wait_all();
  EXPECT_EQ(arrived, 4);
}

TEST_F(Threaded, BackPressureHoldsTheProducerButNeverATask) {
  configure({.compute_workers = 1, .max_queued_bytes = 1 << 20});
  std::atomic<int64_t> queued{0}, most{0};
  auto work = [&] { --queued; };
  push(
      [&] {
        for (int i = 0; i < 10; ++i) {  // ten times the bound, from inside a task: does not wait
          ++queued;
          push(work, {.bytes = 1 << 20});
        }
      },
      {});
  wait_all();
  for (int i = 0; i < 100; ++i) {
    most = std::max<int64_t>(most, ++queued);
    push(work, {.bytes = 1 << 18});
  }
  wait_all();
  EXPECT_LE(most, 5);
}

TEST_F(Threaded, ShutDownDrainsThenRunsSynchronously) {
  configure({.compute_workers = 2});
  std::atomic<int> ran{0};
  for (int i = 0; i < 100; ++i) push([&] { ++ran; }, {});
  shut_down();
  EXPECT_EQ(ran, 100);
  std::thread::id where;
  push([&] { where = std::this_thread::get_id(); }, {.resource = Resource::io});
  EXPECT_EQ(where, std::this_thread::get_id());
  shut_down();
}

TEST_F(Threaded, ConfigurationIsChecked) {
  EXPECT_THROW(configure({.kind = "chaotic"}), Error);
  configure({.kind = "NaiveEngine"});
  EXPECT_EQ(configuration().kind, "naive");
  EXPECT_EQ(compute_workers(), 1);
  configure({.kind = "ThreadedEnginePerDevice", .compute_workers = 5});
  EXPECT_EQ(configuration().kind, "threaded");
  EXPECT_EQ(compute_workers(), 5);
  std::string text;
  push([&] { text = message([] { configure({}); }); }, {});
  wait_all();
  EXPECT_NE(text.find("inside a task"), std::string::npos);
}

TEST(Names, AreInterned) {
  const char* a = intern_name("convolution");
  EXPECT_STREQ(a, "convolution");
  EXPECT_EQ(a, intern_name(std::string("convo") + "lution"));
}

}  // namespace
}  // namespace gemel::engine
