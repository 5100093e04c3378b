// Tile transforms of Winograd convolution (Lavin and Gray, arXiv 1509.09308) with the points 0,
// +-5/8, +-3/2 and infinity, which round less than the usual whole numbers: every window has 6 x 6
// of them, so that outputs of 4 x 4 belong to kernels of 3 x 3 and outputs of 2 x 2 to 5 x 5.
// Sixteen channels lie side by side, whatever the CPU's vectors hold.
#pragma once
#include <cstdint>

#include "base/export.h"

namespace gemel::simd {

inline constexpr int64_t winograd_channels = 16;  // of one element of a window
inline constexpr int64_t winograd_points = 36;

// Squares of elements in an image, or between images. Window i begins at values + i * step; its
// element (y, x) is 16 floats at y * row + x * column.
struct WinogradWindows {
  float* values;
  int64_t row, column, step;
};
// The same squares as seen at the points: point p of square i is 16 floats at
// values + p * point + i * step.
struct WinogradSpectrum {
  float* values;
  int64_t point, step;
};

// What a square is. In brackets: elements along one side.
enum class WinogradSquare {
  input,    // [6] of the image that is convolved
  kernel3,  // [3] weights
  kernel5,  // [5]
  output4,  // [4] result, for kernels of 3 x 3
  output2,  // [2] for kernels of 5 x 5
};

// Input or kernel: what its product, point by point and summed over channels, needs. Output: its
// gradient, whose product with the input's points is the kernel's gradient at the points.
GEMEL_EXPORT void winograd_to_points(WinogradSquare square, const WinogradWindows& from,
                                     int64_t count, const WinogradSpectrum& to);

struct WinogradEpilogue {
  const float* bias = nullptr;  // 16 floats added to every element; null: nothing
  // Added after the bias, element by element, laid out as the result is; null: nothing.
  const float* residual = nullptr;
  bool relu = false;
};
// Output: from the products at the points to the result, then the epilogue. Kernel: from the
// products summed over all tiles to its gradient (no epilogue). Returns false if an element (before
// the epilogue) was not finite or is beyond 2^100: every input element that is not finite, and
// every overflow on the way, shows in some element of its square.
GEMEL_EXPORT bool winograd_from_points(WinogradSquare square, const WinogradSpectrum& from,
                                       int64_t count, const WinogradWindows& to,
                                       const WinogradEpilogue& epilogue = {});

// A rectangle of sixteen channels, between an image (channel after channel, `area` floats apart,
// rows `line` apart) and a strip, in which they lie side by side (rows `row` apart).
struct WinogradStrip {
  int64_t channels, rows, columns;  // channels: at most 16
  int64_t area, line, row;
};
GEMEL_EXPORT void winograd_gather(const WinogradStrip& s, const float* image, float* strip);
GEMEL_EXPORT void winograd_scatter(const WinogradStrip& s, const float* strip, float* image);

}  // namespace gemel::simd
