// Prints the GFLOP/s of independent float32 multiply-adds in registers, with as many threads as
// the argument says: the limit that shares of the peak refer to.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <thread>
#include <vector>

namespace {

#ifdef __AVX512F__
constexpr int lanes = 16;
#elif defined(__AVX__)
constexpr int lanes = 8;
#else
constexpr int lanes = 4;
#endif
typedef float Vector __attribute__((vector_size(lanes * sizeof(float))));
constexpr int sums = 12;  // enough to hide the latency of a multiply-add
constexpr long repeats = 20'000'000;

float multiply_add() {
  Vector sum[sums] = {}, factor = {}, term = {};
  for (int i = 0; i < lanes; ++i) factor[i] = 0.999f, term[i] = 0.001f * static_cast<float>(i);
  for (long r = 0; r < repeats; ++r) {
#pragma GCC unroll 12
    for (Vector& s : sum) s = s * factor + term;
    asm volatile("" : "+v"(factor));
  }
  float total = 0;
  for (const Vector& s : sum) total += s[0];
  return total;
}

}  // namespace

int main(int argc, char** argv) {
  const int threads = argc > 1 ? std::atoi(argv[1]) : 1;
  double best = 0;
  volatile float sink = multiply_add();
  for (int round = 0; round < 3; ++round) {
    const auto start = std::chrono::steady_clock::now();
    std::vector<std::thread> others;
    for (int t = 1; t < threads; ++t) others.emplace_back([] { volatile float s = multiply_add(); (void)s; });
    sink = multiply_add();
    for (std::thread& other : others) other.join();
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    const double rate = 2.0 * lanes * sums * repeats * threads / took.count() / 1e9;
    if (rate > best) best = rate;
  }
  (void)sink;
  std::printf("%.1f\n", best);
}
