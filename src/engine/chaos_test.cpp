// The chaos engine: legal orders, the same for the same seed, and the same again from a file.
#include "engine/chaos.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <mutex>
#include <set>
#include <thread>

#include "base/error.h"
#include "base/settings.h"
#include "engine/engine.h"
#include "engine/graph.h"
#include "engine/testing.h"

namespace gemel::engine {
namespace {

struct ChaosEngine : ::testing::Test {
  void SetUp() override {
    folder = std::filesystem::temp_directory_path() /
             ("gemel_chaos_" + std::to_string(::getpid()) + "_" +
              ::testing::UnitTest::GetInstance()->current_test_info()->name());
    std::filesystem::create_directories(folder);
    file = (folder / "order").string();
    orders.emplace(file, /*quiet=*/false);
  }
  void TearDown() override {
    configure({});
    orders.reset();
    std::filesystem::remove_all(folder);
  }
  bool recorded() const { return std::filesystem::exists(file); }

  std::filesystem::path folder;
  std::string file;
  std::optional<testing::OrderFile> orders;
};

// Twenty tasks on five tags that nothing orders but their tags; returns who ran when.
std::vector<int> run_some(bool waits = true) {
  std::vector<Ref<Tag>> tags;
  for (int i = 0; i < 5; ++i) tags.push_back(make_tag());
  std::vector<int> order;
  for (int i = 0; i < 20; ++i) {
    Tag* writes[] = {tags[i % 5].get()};
    push([&order, i] { order.push_back(i); }, {.writes = writes, .small = i % 2 == 0});
    if (waits && i == 9) wait_for_read(*tags[3]);
  }
  wait_all();
  return order;
}

TEST_F(ChaosEngine, OrdersAreLegalAndDiffer) {
  std::set<std::vector<int>> orders;
  for (int seed = 0; seed < 20; ++seed) {
    configure({.kind = "chaos:" + std::to_string(seed)});
    std::vector<int> order = run_some();
    ASSERT_EQ(order.size(), 20u);
    std::vector<int> last(5, -1);
    for (int task : order) {
      EXPECT_LT(last[task % 5], task);  // one tag's writes keep the order of the pushes
      last[task % 5] = task;
    }
    orders.insert(order);
  }
  EXPECT_GT(orders.size(), 15u);
  EXPECT_FALSE(recorded());
}

TEST_F(ChaosEngine, ASeedRepeatsItsOrder) {
  configure({.kind = "chaos:42"});
  const std::vector<int> first = run_some();
  configure({.kind = "chaos:42"});
  EXPECT_EQ(run_some(), first);
  configure({.kind = "chaos"});  // a seed of its own
  EXPECT_EQ(run_some().size(), 20u);
}

TEST_F(ChaosEngine, NestedPushesRepeatToo) {
  auto run = [] {
    std::vector<int> order;
    for (int i = 0; i < 8; ++i) {
      push(
          [&order, i] {
            order.push_back(i);
            for (int j = 0; j < 3; ++j) push([&order, i, j] { order.push_back(10 * i + j); }, {});
          },
          {});
    }
    wait_all();
    return order;
  };
  configure({.kind = "chaos:7"});
  const std::vector<int> first = run();
  EXPECT_EQ(first.size(), 32u);
  configure({.kind = "chaos:7"});
  EXPECT_EQ(run(), first);
}

TEST_F(ChaosEngine, TheInsideOfAGraphIsShuffledLegally) {
  std::set<std::vector<int>> orders;
  for (int seed = 0; seed < 10; ++seed) {
    for (int repeat = 0; repeat < 2; ++repeat) {
      configure({.kind = "chaos:" + std::to_string(seed)});
      Graph graph;
      std::vector<int> order;
      for (int i = 0; i < 12; ++i) {
        std::vector<int> after;
        if (i >= 4) after = {i - 4, i - 3};
        graph.add([&order, i] { order.push_back(i); }, after, "node");
      }
      graph.finish();
      push([&] { graph.run(); }, {});
      wait_all();
      ASSERT_EQ(order.size(), 12u);
      std::vector<int> place(12);
      for (int i = 0; i < 12; ++i) place[order[i]] = i;
      for (int i = 4; i < 12; ++i) EXPECT_GT(place[i], std::max(place[i - 4], place[i - 3]));
      orders.insert(order);
    }
  }
  EXPECT_GT(orders.size(), 5u);
  EXPECT_LE(orders.size(), 10u);  // the repeats were equal
}

// Two threads whose pushes interleave as they like, and asynchronous ends. The tasks are named "0",
// "1", ...; returns which of them each thread ran, in its order.
std::map<std::thread::id, std::vector<std::string>> run_two_threads() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> all;
    for (int i = 0; i < 40; ++i) all.push_back(std::to_string(i));
    return all;
  }();
  std::mutex mutex;
  std::map<std::thread::id, std::vector<std::string>> ran;
  auto note = [&](int i) {
    std::lock_guard lock(mutex);
    ran[std::this_thread::get_id()].push_back(names[i]);
  };
  Ref<Tag> tag = make_tag();
  Tag* tags[] = {tag.get()};
  auto push_note = [&](int i) { push([&, i] { note(i); }, {.name = names[i].c_str()}); };
  push_note(0);  // this thread is the first
  std::thread other([&] {
    for (int i = 20; i < 40; ++i) push_note(i);
  });
  for (int i = 1; i < 20; ++i) {
    if (i % 5 == 0) {
      push_async(
          [&, i](Completion done) {
            note(i);
            done(nullptr);
          },
          {.writes = tags, .name = names[i].c_str()});
    } else {
      push_note(i);
    }
  }
  other.join();
  wait_all();
  return ran;
}

TEST_F(ChaosEngine, WhatTheSeedDoesNotRepeatIsRecordedAndReplayed) {
  configure({.kind = "chaos:5"});
  ::testing::internal::CaptureStderr();
  run_two_threads();
  EXPECT_NE(::testing::internal::GetCapturedStderr().find("chaos:" + file), std::string::npos);
  ASSERT_TRUE(recorded());
  std::ifstream text(file);
  std::string line;
  std::map<std::string, int> started;                // by name: the place in the recorded order
  for (int at = -2; std::getline(text, line); ++at)  // two lines of the head
    if (at >= 0) started.emplace(line.substr(line.find(' ') + 1), at);
  ASSERT_EQ(started.size(), 40u);
  // Which thread takes a task is not recorded and threads may stall, so only what one thread ran
  // shows the order of the starts.
  for (int repeat = 0; repeat < 3; ++repeat) {
    settings::set(&Settings::chaos_order, file + ".again");
    configure({.kind = "chaos:" + file});
    ::testing::internal::CaptureStderr();
    size_t tasks = 0;
    for (const auto& [thread, names] : run_two_threads()) {
      tasks += names.size();
      for (size_t i = 1; i < names.size(); ++i)
        EXPECT_LT(started.at(names[i - 1]), started.at(names[i]));
    }
    EXPECT_EQ(tasks, 40u);
    EXPECT_EQ(::testing::internal::GetCapturedStderr(), "");  // the replay was not given up
  }
  EXPECT_FALSE(std::filesystem::exists(file + ".again"));
}

TEST_F(ChaosEngine, PrioritiesAndResourcesDoNotMatter) {
  configure({.kind = "chaos:1"});
  int ran = 0;
  for (int i = 0; i < 4; ++i)
    push([&] { ++ran; }, {.resource = static_cast<Resource>(i), .priority = i});
  wait_all();
  EXPECT_EQ(ran, 4);
  EXPECT_EQ(compute_workers(), 1);
  EXPECT_EQ(configuration().kind, "chaos:1");
}

TEST_F(ChaosEngine, TheQueueIsBounded) {
  configure({.kind = "chaos:1", .max_queued_bytes = 3000});
  int64_t ran = 0;
  for (int i = 0; i < 100; ++i) {
    push([&] { ++ran; }, {.bytes = 1000});
    EXPECT_GE(ran, i - 2);
  }
  wait_all();
  EXPECT_EQ(ran, 100);
}

TEST_F(ChaosEngine, WrongNames) {
  EXPECT_THROW(configure({.kind = "chaos:" + file}), Error);  // no such file
  std::ofstream(file) << "something else\n";
  EXPECT_THROW(configure({.kind = "chaos:" + file}), Error);
  EXPECT_THROW(configure({.kind = "chaos:"}), Error);
  EXPECT_THROW(configure({.kind = "chaotic"}), Error);
  int ran = 0;
  push([&] { ++ran; }, {});
  wait_all();
  EXPECT_EQ(ran, 1);  // the engine is as it was
}

}  // namespace
}  // namespace gemel::engine
