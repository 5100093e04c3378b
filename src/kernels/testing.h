// What tests of kernels feed them, and how they measure what comes back.
#pragma once
#include <cmath>
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

// Root mean square of the distance, relative to that of the exact values.
inline double error_of(const std::vector<float>& values, const std::vector<double>& exact) {
  double error = 0, size = 0;
  for (size_t i = 0; i < exact.size(); ++i) {
    error += (values[i] - exact[i]) * (values[i] - exact[i]);
    size += exact[i] * exact[i];
  }
  return std::sqrt(error / size);
}

}  // namespace gemel::kernels::testing
