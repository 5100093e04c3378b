#include "engine/graph.h"

#include <gtest/gtest.h>

#include <array>
#include <random>
#include <thread>

#include "base/error.h"
#include "engine/engine.h"

namespace gemel::engine {
namespace {

struct Graphs : testing::TestWithParam<int> {
  void SetUp() override { configure({.compute_workers = GetParam()}); }
  void TearDown() override { configure({}); }
};

// A random graph whose node i computes a value from its predecessors.
struct Sample {
  Graph graph;
  std::vector<std::vector<int>> after;
  std::vector<uint64_t> values;
  uint64_t seed = 0;

  Sample(int nodes, int edges, unsigned seed_of_shape) : values(nodes) {
    std::mt19937 random(seed_of_shape);
    for (int i = 0; i < nodes; ++i) {
      std::vector<int>& before = after.emplace_back();
      for (int e = 0; i > 0 && e < edges; ++e) {
        if (random() % 3) before.push_back(static_cast<int>(random() % i));
      }
      graph.add([this, i] { values[i] = value(i); }, before, "node");
    }
    graph.finish();
  }
  uint64_t value(int i) const {
    uint64_t v = seed + i;
    for (int p : after[i]) v = v * 6364136223846793005u + values[p];
    return v;
  }
  void expect_right() const {
    for (size_t i = 0; i < values.size(); ++i) ASSERT_EQ(values[i], value(static_cast<int>(i)));
  }
};

TEST_P(Graphs, RandomGraphsReplayed) {
  for (unsigned shape = 0; shape < 20; ++shape) {
    Sample sample(1 + static_cast<int>(shape) * 13, 1 + shape % 4, shape);
    Ref<Tag> tag = make_tag();
    Tag* tags[] = {tag.get()};
    for (int round = 0; round < 20; ++round) {
      push([&sample, round] { sample.seed = round, sample.graph.run(); }, {.writes = tags});
    }
    wait_for_read(*tag);
    EXPECT_EQ(sample.seed, 19u);
    sample.expect_right();
  }
}

TEST_P(Graphs, OutsideATaskToo) {
  Sample sample(100, 2, 5);
  sample.graph.run();
  sample.expect_right();
}

TEST_P(Graphs, SeveralAtOnce) {
  std::vector<std::unique_ptr<Sample>> samples;
  for (unsigned i = 0; i < 6; ++i) samples.push_back(std::make_unique<Sample>(60, 2, i));
  for (auto& sample : samples) push([s = sample.get()] { s->graph.run(); }, {});
  wait_all();
  for (auto& sample : samples) sample->expect_right();
}

TEST_P(Graphs, FirstErrorStopsTheRest) {
  for (int round = 0; round < 30; ++round) {
    Graph graph;
    bool after_ran = false;
    int good = graph.add([] {}, {}, "good");
    int bad = graph.add([] { fail(ErrorKind::Input, "bad node"); }, std::array{good}, "bad");
    for (int i = 0; i < 10; ++i) graph.add([] {}, std::array{good}, "beside");
    graph.add([&] { after_ran = true; }, std::array{bad}, "after");
    graph.finish();
    for (int again = 0; again < 2; ++again) {
      Ref<Tag> tag = make_tag();
      Tag* tags[] = {tag.get()};
      push([&] { graph.run(); }, {.writes = tags});
      try {
        wait_for_read(*tag);
        ADD_FAILURE() << "no error";
      } catch (const Error& e) {
        EXPECT_STREQ(e.what(), "bad node");
      }
      EXPECT_FALSE(after_ran);
    }
  }
  try {
    wait_all();
  } catch (...) {
  }
}

TEST_P(Graphs, HelpersAreInsideTheTask) {
  Graph graph;
  std::atomic<int> inside{0}, refused{0};
  Ref<Tag> tag = make_tag();
  Tag* tags[] = {tag.get()};
  for (int i = 0; i < 16; ++i) {
    graph.add(
        [&] {
          inside += inside_task();
          try {
            wait_for_read(*tag);
          } catch (const Error&) {
            ++refused;
          }
        },
        {}, "node");
  }
  graph.finish();
  push([&] { graph.run(); }, {.writes = tags});
  wait_all();
  EXPECT_EQ(inside, 16);
  EXPECT_EQ(refused, 16);
}

TEST_P(Graphs, Nested) {
  Graph outer;
  std::vector<std::unique_ptr<Sample>> samples;
  for (unsigned i = 0; i < 4; ++i) {
    samples.push_back(std::make_unique<Sample>(30, 2, i));
    outer.add([s = samples.back().get()] { s->graph.run(); }, {}, "inner");
  }
  outer.finish();
  for (int i = 0; i < 10; ++i) push([&] { outer.run(); }, {}), wait_all();
  for (auto& sample : samples) sample->expect_right();
}

INSTANTIATE_TEST_SUITE_P(Workers, Graphs, testing::Values(1, 2, 4, 8));

TEST(Graph, IdleWorkersJoin) {
  configure({.compute_workers = 4});
  Graph graph;
  std::atomic<int> arrived{0};
  for (int i = 0; i < 4; ++i) {
    graph.add(
        [&] {
          ++arrived;
          while (arrived % 4) std::this_thread::yield();  // returns only if all four run together
        },
        {}, "meet");
  }
  graph.finish();
  for (int i = 0; i < 3; ++i) {
    push([&] { graph.run(); }, {});
    wait_all();
    EXPECT_EQ(arrived, 4 * (i + 1));
  }
  configure({});
}

TEST(Graph, WidthAndMisuse) {
  Graph graph;
  EXPECT_THROW(graph.run(), Error);
  EXPECT_THROW(graph.add([] {}, std::array{0}, "itself"), Error);
  int a = graph.add([] {}, {}, "a");
  graph.add([] {}, std::array{a, a}, "b");
  int c = graph.add([] {}, std::array{a}, "c");
  graph.add([] {}, std::array{c}, "d");
  graph.finish();
  EXPECT_EQ(graph.width(), 2);
  EXPECT_EQ(graph.size(), 4);
  EXPECT_THROW(graph.add([] {}, {}, "late"), Error);
  Graph empty;
  empty.finish();
  EXPECT_NO_THROW(empty.run());
  bool threw = false;
  Graph recursive;
  recursive.add(
      [&] {
        try {
          recursive.run();
        } catch (const Error&) {
          threw = true;
        }
      },
      {}, "recursive");
  recursive.finish();
  recursive.run();
  EXPECT_TRUE(threw);
}

}  // namespace
}  // namespace gemel::engine
