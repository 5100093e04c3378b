// y = relu(a*b + c)*0.5 - exp(-d): the tape against a loop fused by hand, and small arrays.
#include <benchmark/benchmark.h>

#include <cstring>

#include "pointwise/program.h"
#ifdef GEMEL_WITH_OPENMP
#include <omp.h>
#endif

namespace gemel::pointwise {
namespace {

struct Arrays {
  explicit Arrays(int64_t n) : size(n) {
    for (int k = 0; k < 5; ++k) {
      data.emplace_back(static_cast<size_t>(n) + 32);
      auto address = reinterpret_cast<uintptr_t>(data.back().data());
      address = (address + 63) & ~uintptr_t{63};
      tensors.emplace_back(reinterpret_cast<float*>(address), Shape{n}, DType::float32);
      for (int64_t i = 0; i < n; ++i)
        tensors.back().data<float>()[i] = static_cast<float>(i % 1000) * 0.002f - 1.0f;
    }
  }
  float* operator[](size_t k) { return tensors[k].data<float>(); }
  int64_t size;
  std::vector<std::vector<float>> data;
  std::vector<Tensor> tensors;
};

Expr chain_expression() { return relu(input(0) * input(1) + input(2)) * 0.5 - exp(-input(3)); }

void one_thread() {
#ifdef GEMEL_WITH_OPENMP
  omp_set_num_threads(1);
#endif
}

void chain_tape(benchmark::State& state) {
  one_thread();
  Arrays arrays(state.range(0));
  const Program program({chain_expression()});
  for (auto _ : state)
    program.run(std::span<const Tensor>(arrays.tensors).first(4), {}, {&arrays.tensors[4], 1});
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(chain_tape)
    ->Arg(10)
    ->Arg(1000)
    ->Arg(100'000)
    ->Arg(10'000'000)
    ->Unit(benchmark::kMicrosecond);

// One loop with everything in it, as a compiler's vectors make the best of it.
__attribute__((optimize("O3", "fast-math"),
               target_clones("default", "avx2", "arch=x86-64-v4"))) void
fused_loop(const float* __restrict a, const float* __restrict b, const float* __restrict c,
           const float* __restrict d, float* __restrict y, int64_t n) {
  for (int64_t i = 0; i < n; ++i) {
    const float v = a[i] * b[i] + c[i];
    float x = -d[i];
    x = x > 88.3f ? 88.3f : x;
    x = x < -87.3f ? -87.3f : x;
    const float k = __builtin_floorf(x * 1.44269504f + 0.5f);
    x = x - k * 0.693359375f + k * 2.12194440e-4f;
    float q = 1.991937989e-04f;
    q = q * x + 1.394722492e-03f;
    q = q * x + 8.333262638e-03f;
    q = q * x + 4.166625376e-02f;
    q = q * x + 1.666666687e-01f;
    q = q * x + 5.000000083e-01f;
    q = q * x * x + x + 1.0f;
    const float power = __builtin_bit_cast(float, (static_cast<int32_t>(k) + 127) << 23);
    y[i] = (v > 0 ? v : 0) * 0.5f - q * power;
  }
}

void chain_by_hand(benchmark::State& state) {
  Arrays arrays(state.range(0));
  for (auto _ : state) {
    fused_loop(arrays[0], arrays[1], arrays[2], arrays[3], arrays[4], state.range(0));
    benchmark::ClobberMemory();
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(chain_by_hand)->Arg(1000)->Arg(100'000)->Arg(10'000'000)->Unit(benchmark::kMicrosecond);

void unary_function(benchmark::State& state, Primitive p) {
  one_thread();
  Arrays arrays(4096);
  const Program program({call(p, input(0))});
  for (auto _ : state) program.run({&arrays.tensors[0], 1}, {}, {&arrays.tensors[4], 1});
  state.SetItemsProcessed(state.iterations() * 4096);
}
BENCHMARK_CAPTURE(unary_function, exp, Primitive::exp);
BENCHMARK_CAPTURE(unary_function, log, Primitive::log);
BENCHMARK_CAPTURE(unary_function, tanh, Primitive::tanh);
BENCHMARK_CAPTURE(unary_function, sigmoid, Primitive::sigmoid);
BENCHMARK_CAPTURE(unary_function, erf, Primitive::erf);
BENCHMARK_CAPTURE(unary_function, sin, Primitive::sin);
BENCHMARK_CAPTURE(unary_function, log1p, Primitive::log1p);

void add_tiny(benchmark::State& state) {
  one_thread();
  Arrays arrays(state.range(0));
  const Program program({input(0) + input(1)});
  for (auto _ : state)
    program.run(std::span<const Tensor>(arrays.tensors).first(2), {}, {&arrays.tensors[4], 1});
}
BENCHMARK(add_tiny)->Arg(1)->Arg(10)->Arg(1000);

void add_scalar_tiny(benchmark::State& state) {
  one_thread();
  Arrays arrays(10);
  const Program program({input(0) + scalar(0)});
  const double value = 2;
  for (auto _ : state) program.run({&arrays.tensors[0], 1}, {&value, 1}, {&arrays.tensors[4], 1});
}
BENCHMARK(add_scalar_tiny);

void make_program(benchmark::State& state) {
  const Expr e = chain_expression();
  for (auto _ : state) benchmark::DoNotOptimize(Program({e}).step_count());
}
BENCHMARK(make_program);

void add_bias(benchmark::State& state) {
  one_thread();
  const int64_t columns = state.range(0), rows = 1'000'000 / columns;
  Arrays arrays(rows * columns);
  const Program program({input(0) + input(1)});
  const Tensor inputs[] = {Tensor(arrays[0], {rows, columns}, DType::float32),
                           Tensor(arrays[1], {columns}, DType::float32)};
  const Tensor out(arrays[4], {rows, columns}, DType::float32);
  for (auto _ : state) program.run(inputs, {}, {&out, 1});
  state.SetItemsProcessed(state.iterations() * rows * columns);
}
BENCHMARK(add_bias)->Arg(3)->Arg(64)->Arg(4000)->Unit(benchmark::kMicrosecond);

void add_column(benchmark::State& state) {
  one_thread();
  const int64_t columns = state.range(0), rows = 1'000'000 / columns;
  Arrays arrays(rows * columns);
  const Program program({input(0) + input(1)});
  const Tensor inputs[] = {Tensor(arrays[0], {rows, columns}, DType::float32),
                           Tensor(arrays[1], {rows, 1}, DType::float32)};
  const Tensor out(arrays[4], {rows, columns}, DType::float32);
  for (auto _ : state) program.run(inputs, {}, {&out, 1});
  state.SetItemsProcessed(state.iterations() * rows * columns);
}
BENCHMARK(add_column)->Arg(3)->Arg(64)->Arg(4000)->Unit(benchmark::kMicrosecond);

void add_typed(benchmark::State& state, DType dtype) {
  one_thread();
  Arrays arrays(1 << 17);
  std::vector<Tensor> tensors;
  for (const Tensor& t : arrays.tensors) tensors.emplace_back(t.address, Shape{1 << 16}, dtype);
  for (Tensor& t : tensors) std::memset(t.address, 0, static_cast<size_t>(t.bytes()));
  const Program program({input(0) * input(1) + input(2)});
  for (auto _ : state) program.run(std::span<const Tensor>(tensors).first(3), {}, {&tensors[4], 1});
  state.SetItemsProcessed(state.iterations() << 16);
}
BENCHMARK_CAPTURE(add_typed, float16, DType::float16);
BENCHMARK_CAPTURE(add_typed, bfloat16, DType::bfloat16);
BENCHMARK_CAPTURE(add_typed, int32, DType::int32);
BENCHMARK_CAPTURE(add_typed, uint8, DType::uint8);
BENCHMARK_CAPTURE(add_typed, int64, DType::int64);

}  // namespace
}  // namespace gemel::pointwise
