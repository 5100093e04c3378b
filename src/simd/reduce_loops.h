// Vector loops of reductions, chosen once for the CPU at hand; T is float or double. Sixteen lanes,
// whatever the CPU's vectors hold, so the bits are the same everywhere. A NaN wins in max and min.
#pragma once
#include <cstddef>

namespace gemel::simd {

enum class Reducing { add, add_squares, max, min };
inline constexpr int reducing_count = 4;

template <typename T>
struct ReduceLoops {
  // The total of n elements: element i goes to lane i % 16, then lanes are joined in halves.
  // Without elements 0, or the infinity that loses.
  T (*run[reducing_count])(const T* x, size_t n);
  // total[i] is combined with x[i] (its square, in T, where squares are added), in double.
  void (*accumulate[reducing_count])(const T* x, double* total, size_t n);
};

// Safe from any thread.
template <typename T>
const ReduceLoops<T>& reduce_loops();
template <>
const ReduceLoops<float>& reduce_loops<float>();
template <>
const ReduceLoops<double>& reduce_loops<double>();

}  // namespace gemel::simd
