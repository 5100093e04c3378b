#include "kernels/random_fill.h"

#include <algorithm>

#include "kernels/parallel.h"
#include "simd/convert.h"

namespace gemel::kernels {

namespace {

constexpr int64_t block = 1024;

// f(first counter, buffer): fills a block of L, which is then stored as the output's dtype.
template <typename L, int per_counter, typename F>
void fill_blocks(const Tensor& out, const F& f) {
  const simd::Store<L> store = simd::store_function<L>(out.dtype);
  const int64_t size = out.size();
  parallel_for((size + block - 1) / block, block * 8, [&](int64_t k) {
    L values[block];
    const int64_t begin = k * block, n = std::min(block, size - begin);
    for (int64_t i = 0; i < n; i += per_counter)
      f(static_cast<uint64_t>((begin + i) / per_counter), values + i);
    store(values, out.address + begin * size_of(out.dtype), static_cast<size_t>(n));
  });
}

// f(words, values, n): turns a block's random words, one for each element, into numbers. There are
// as many of both as whole counter values give.
template <typename F>
void fill_words(const Philox& stream, const Tensor& out, const F& f) {
  const simd::Store<float> store = simd::store_function<float>(out.dtype);
  const int64_t size = out.size();
  parallel_for((size + block - 1) / block, block * 8, [&](int64_t k) {
    uint32_t words[block];
    float values[block];
    const int64_t begin = k * block, n = std::min(block, size - begin);
    stream.words(static_cast<uint64_t>(begin / 4), static_cast<size_t>((n + 3) / 4), words);
    f(words, values, n);
    store(values, out.address + begin * size_of(out.dtype), static_cast<size_t>(n));
  });
}

uint64_t word(const PhiloxBlock& b, int i) { return uint64_t{b[2 * i + 1]} << 32 | b[2 * i]; }

}  // namespace

void fill_uniform(const Philox& stream, double low, double high, const Tensor& out) {
  if (out.dtype == DType::float64)
    return fill_blocks<double, 2>(out, [&](uint64_t counter, double* to) {
      const PhiloxBlock b = stream.bits(counter);
      for (int i = 0; i < 2; ++i) to[i] = low + (high - low) * unit_double(word(b, i));
    });
  const float from = static_cast<float>(low), range = static_cast<float>(high - low);
  fill_words(stream, out, [&](const uint32_t* words, float* values, int64_t n) {
    for (int64_t i = 0; i < n; ++i) values[i] = from + range * unit_float(words[i]);
  });
}

void fill_normal(const Philox& stream, double loc, double scale, const Tensor& out) {
  if (out.dtype == DType::float64)
    return fill_blocks<double, 2>(out, [&](uint64_t counter, double* to) {
      const PhiloxBlock b = stream.bits(counter);
      const auto pair = normal_pair(word(b, 0), word(b, 1));
      for (int i = 0; i < 2; ++i) to[i] = loc + scale * pair[i];
    });
  const float mean = static_cast<float>(loc), deviation = static_cast<float>(scale);
  fill_words(stream, out, [&](const uint32_t* words, float* values, int64_t n) {
    for (int64_t i = 0; i < n; i += 2) {
      const auto pair = normal_pair(words[i], words[i + 1]);
      values[i] = mean + deviation * pair[0];
      values[i + 1] = mean + deviation * pair[1];
    }
  });
}

void fill_integers(const Philox& stream, int64_t low, int64_t high, const Tensor& out) {
  const uint64_t range = static_cast<uint64_t>(high) - static_cast<uint64_t>(low);
  fill_blocks<int64_t, 2>(out, [&](uint64_t counter, int64_t* to) {
    const PhiloxBlock b = stream.bits(counter);
    for (int i = 0; i < 2; ++i)
      to[i] = static_cast<int64_t>(static_cast<uint64_t>(low) + bounded(word(b, i), range));
  });
}

}  // namespace gemel::kernels
