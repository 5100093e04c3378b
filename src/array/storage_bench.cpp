#include "array/storage.h"

#include <benchmark/benchmark.h>

namespace gemel {
namespace {

void allocate_storage(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(Storage::allocate(state.range(0), {}));
}
BENCHMARK(allocate_storage)->Arg(40)->Arg(100 << 10);

}  // namespace
}  // namespace gemel
