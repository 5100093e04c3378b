// What tests of kernels feed them.
#pragma once
#include <cstdint>
#include <random>
#include <vector>

namespace gemel::kernels::testing {

template <typename Distribution>
std::vector<float> draw(int64_t count, unsigned seed, Distribution distribution) {
  std::mt19937 generator(seed);
  std::vector<float> values(static_cast<size_t>(count));
  for (float& value : values) value = distribution(generator);
  return values;
}

// Evenly over [-1, 1).
inline std::vector<float> numbers(int64_t count, unsigned seed) {
  return draw(count, seed, std::uniform_real_distribution<float>(-1, 1));
}
// With a deviation of 1.
inline std::vector<float> noise(int64_t count, unsigned seed) {
  return draw(count, seed, std::normal_distribution<float>());
}

}  // namespace gemel::kernels::testing
