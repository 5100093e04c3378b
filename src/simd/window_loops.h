// Vector loops of pooling over one row of windows, chosen once for the CPU at hand. First the rows
// of the input that a row of windows covers are joined into one, then its elements by windows:
// output i covers [i * stride, i * stride + kernel) of the joined row.
#pragma once
#include <cstddef>
#include <cstdint>

namespace gemel::simd {

// How far loops may read and write behind the last element of a row that they are given.
inline constexpr size_t window_slack = 64;

struct WindowLoops {
  // best[i] becomes x[i] where that is larger; a NaN in x is not.
  void (*larger)(const float* x, float* best, size_t n);
  // The same; row[i] becomes `number` there.
  void (*larger_with_row)(const float* x, int32_t number, float* best, int32_t* row, size_t n);
  void (*largest_of_windows)(const float* best, size_t kernel, size_t stride, float* out, size_t n);
  // place[i] = row * kernel + column in the window, of the first largest in this order.
  void (*first_largest_of_windows)(const float* best, const int32_t* row, size_t kernel,
                                   size_t stride, float* out, int32_t* place, size_t n);
  void (*add)(const float* x, float* sum, size_t n);
  void (*sums_of_windows)(const float* sum, size_t kernel, size_t stride, float* out, size_t n);
};

// Safe from any thread.
const WindowLoops& window_loops();

}  // namespace gemel::simd
