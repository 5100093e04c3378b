#include "memory/pool.h"

#include <benchmark/benchmark.h>

namespace gemel::memory {
namespace {

void allocate_and_release(benchmark::State& state) {
  for (auto _ : state) {
    const Block block = allocate(state.range(0));
    benchmark::DoNotOptimize(block.data);
    release(block);
  }
}
BENCHMARK(allocate_and_release)->Arg(40)->Arg(4000)->Arg(100 << 10)->Arg(8 << 20);

}  // namespace
}  // namespace gemel::memory
