// Cost of an empty task with two reads and one write; one producer, one worker.
#include "engine/engine.h"

#include <benchmark/benchmark.h>

#include <array>
#include <atomic>
#include <thread>

#include "engine/graph.h"

namespace gemel::engine {
namespace {

struct Tags {
  std::vector<Ref<Tag>> owned;
  std::vector<Tag*> all;
  explicit Tags(int n) {
    for (int i = 0; i < n; ++i) all.push_back(owned.emplace_back(make_tag()).get());
  }
};

void inlined(benchmark::State& state) {
  configure({.compute_workers = 1});
  Tags tags(3);
  std::span<Tag* const> all = tags.all;
  int64_t ran = 0;
  for (auto _ : state) {
    push([&] { ++ran; }, {.reads = all.first(2), .writes = all.last(1), .small = true});
  }
  wait_all();
  state.SetItemsProcessed(ran);
}
BENCHMARK(inlined)->UseRealTime();

// As above after a second thread has pushed, so that tags are marked.
void inlined_shared(benchmark::State& state) {
  configure({.compute_workers = 1});
  push([] {}, {});
  wait_all();
  std::thread([] { push([] {}, {}); }).join();
  Tags tags(3);
  std::span<Tag* const> all = tags.all;
  int64_t ran = 0;
  for (auto _ : state) {
    push([&] { ++ran; }, {.reads = all.first(2), .writes = all.last(1), .small = true});
  }
  wait_all();
  state.SetItemsProcessed(ran);
}
BENCHMARK(inlined_shared)->UseRealTime();

void bulk_of_64(benchmark::State& state) {
  configure({.compute_workers = 1});
  Tags tags(3 * 64 * 16);
  std::span<Tag* const> all = tags.all;
  int64_t ran = 0;
  size_t i = 0;
  {
    Bulk bulk(64);
    for (auto _ : state) {
      push([&] { ++ran; },
           {.reads = all.subspan(i, 2), .writes = all.subspan(i + 2, 1), .small = true});
      i = i + 3 == all.size() ? 0 : i + 3;
    }
    wait_all();
  }
  state.SetItemsProcessed(ran);
}
BENCHMARK(bulk_of_64)->UseRealTime();

void contended_chain(benchmark::State& state) {
  configure({.compute_workers = 1});
  Tags tags(3);
  std::span<Tag* const> all = tags.all;
  int64_t ran = 0;
  for (auto _ : state) {
    for (int i = 0; i < 1000; ++i)
      push([&] { ++ran; }, {.reads = all.first(2), .writes = all.last(1)});
    wait_for_read(*all[2]);
  }
  wait_all();
  state.SetItemsProcessed(ran);
}
BENCHMARK(contended_chain)->UseRealTime();

// Per node: 1,000 nodes, each after two of the ten before it.
void graph_replayed(benchmark::State& state) {
  configure({.compute_workers = static_cast<int>(state.range(0))});
  Graph graph;
  std::array<std::atomic<int64_t>, 8> ran{};
  for (int i = 0; i < 1000; ++i) {
    std::vector<int> after;
    if (i >= 10) after = {i - 3 - i % 7, i - 1 - i % 3};
    graph.add([&slot = ran[i % 8]] { slot.store(1, std::memory_order_relaxed); }, after, "node");
  }
  graph.finish();
  int64_t nodes = 0;
  for (auto _ : state) {
    graph.run();
    nodes += graph.size();
  }
  state.SetItemsProcessed(nodes);
}
BENCHMARK(graph_replayed)->Arg(1)->Arg(2)->UseRealTime();

}  // namespace
}  // namespace gemel::engine
