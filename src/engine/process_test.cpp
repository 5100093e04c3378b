// Forks and ends of processes with work in the engine.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <future>
#include <thread>

#include "engine/engine.h"
#include "engine/testing.h"

namespace gemel::engine {
namespace {

using namespace std::chrono_literals;

// What a forked child that runs `body` says; -1 when it hangs or dies of a signal.
int in_child(const std::function<int()>& body) {
  const pid_t child = fork();
  if (child == 0) {
    alarm(20);
    _exit(body());
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int count_of(int tasks) {
  Ref<Tag> tag = make_tag();
  Tag* tags[] = {tag.get()};
  int count = 0;
  for (int i = 0; i < tasks; ++i)
    push([&] { ++count; }, {.reads = tags, .writes = tags, .small = i % 2 == 0});
  wait_for_read(*tag);
  wait_all();
  return count;
}

using Fork = testing::EveryKind<2>;

TEST_P(Fork, TheChildIsNaiveAndBothGoOn) {
  EXPECT_EQ(count_of(50), 50);
  EXPECT_EQ(in_child([] {
              if (configuration().kind != "naive" || compute_workers() != 1) return 1;
              return count_of(30);
            }),
            30);
  EXPECT_EQ(configuration().kind, GetParam());
  EXPECT_EQ(count_of(50), 50);
}

TEST_P(Fork, QueuedWorkIsDoneBefore) {
  std::vector<Ref<Tag>> tags;
  std::vector<int> values(8, 0);
  for (int i = 0; i < 8; ++i) {
    tags.push_back(make_tag());
    Tag* writes[] = {tags.back().get()};
    push(
        [&values, i] {
          std::this_thread::sleep_for(1ms);
          values[i] = i + 1;
        },
        {.writes = writes});
  }
  EXPECT_EQ(in_child([&] {
              int sum = 0;
              for (int i = 0; i < 8; ++i) wait_for_read(*tags[i]), sum += values[i];
              return sum;
            }),
            36);
  wait_all();
}

TEST_P(Fork, AfterAnotherThreadHasPushed) {
  std::thread([] { count_of(10); }).join();
  EXPECT_EQ(in_child([] { return count_of(12); }), 12);
}

TEST_P(Fork, FromInsideATask) {
  int answer = 0;
  Ref<Tag> tag = make_tag();
  Tag* tags[] = {tag.get()};
  push(
      [&] {
        const pid_t child = fork();
        if (child == 0) {
          alarm(20);
          _exit(configuration().kind == "naive" ? 5 : 6);
        }
        int status = 0;
        waitpid(child, &status, 0);
        answer = WEXITSTATUS(status);
      },
      {.writes = tags});
  wait_for_read(*tag);
  EXPECT_EQ(answer, 5);
}

INSTANTIATE_TEST_SUITE_P(Kinds, Fork, testing::kinds(), testing::kind_name);

TEST(ForkInPrepared, WorkersComeBack) {
  configure({.compute_workers = 2});
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(count_of(20), 20);
    prepare_fork();
  }
  configure({});
}

struct Leaving : ::testing::TestWithParam<const char*> {};

// In a child process, because the engine is gone afterwards.
TEST_P(Leaving, EffectsAreRunAndTheRestIsDropped) {
  const std::string kind = GetParam();
  EXPECT_EQ(
      in_child([&kind] {
        configure({.kind = kind, .compute_workers = 1});
        Ref<Tag> a = make_tag(), b = make_tag();
        Tag *ta[] = {a.get()}, *tb[] = {b.get()};
        int needed = 0, dropped = 0, effects = 0;
        push([&] { std::this_thread::sleep_for(20ms), ++needed; }, {.writes = ta});
        push([&] { effects += needed; }, {.reads = ta, .resource = Resource::io, .effect = true});
        for (int i = 0; i < 2000; ++i) {
          push([&] { std::this_thread::sleep_for(20ms), ++dropped; }, {.reads = tb, .writes = tb});
          if (kind != "threaded") break;  // these run at their push
        }
        leave();
        if (effects != 1) return 1;
        if (dropped > 100) return 2;
        return count_of(3);  // later pushes run at once
      }),
      3);
}

TEST_P(Leaving, ByExitInTheMiddleOfWork) {
  const std::string kind = GetParam();
  EXPECT_EQ(in_child([&kind] {
              configure({.kind = kind, .compute_workers = 2});
              static Ref<Tag> tag = make_tag();
              Tag* tags[] = {tag.get()};
              for (int i = 0; i < (kind == "threaded" ? 100000 : 10); ++i)
                push([] { std::this_thread::sleep_for(1ms); }, {.reads = tags, .writes = tags});
              std::exit(7);
              return 0;
            }),
            7);
}

INSTANTIATE_TEST_SUITE_P(Kinds, Leaving, testing::kinds(), testing::kind_name);

TEST(LeavingLate, ANeverEndingTaskIsLeftBehind) {
  EXPECT_EQ(in_child([] {
              configure({.kind = "threaded", .compute_workers = 1});
              std::promise<void> started;
              push_async(
                  [&](Completion done) {
                    new Completion(std::move(done));
                    started.set_value();
                  },
                  {});
              started.get_future().wait();
              std::exit(8);
              return 0;
            }),
            8);
}

}  // namespace
}  // namespace gemel::engine
