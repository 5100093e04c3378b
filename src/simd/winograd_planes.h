// Winograd's method with tiles as the lanes of vectors, straight from and to plain planes: for few
// channels, which as lanes would leave most of a vector empty. Tiles of 4 x 4, kernels of 3 x 3.
#pragma once
#include <cstdint>

#include "simd/winograd.h"

namespace gemel::simd {

inline constexpr int64_t winograd_lanes = 16;  // tiles of one vector

// Four tiles, as two pairs of neighbours, in planes of any channel. A pair covers eight columns.
struct WinogradRun {
  int64_t low = 0, high = 0;  // place of the first pair's first element; of the second's, less 8
  bool joined = false;        // the second pair is right of the first: both places are the same
  // Columns that exist of each row of the windows, a bit for each; those of the first pair are
  // below bit 8, and may be all sixteen where `joined`. `next`: four columns further on.
  uint16_t low_mask[6] = {}, high_mask[6] = {}, low_next[6] = {}, high_next[6] = {};
};
struct WinogradRuns {
  WinogradRun run[4];
};

// At each of 36 points, result(r, v) = sum over j of left(r, j) * right(j, v), for rows of `left`
// up to 16 and vectors v of sixteen tiles: left(r, j) is left[p * left_step + j * 16 + r], vectors
// of j lie `vectors` beside each other at right + p * right_step, so do those of r in the result.
struct WinogradLaneProduct {
  int64_t rows, depth, vectors;
  const float* left;
  int64_t left_step;
  const float* right;
  int64_t right_step;
  float* result;
  int64_t result_step;
};

// At each of 36 points, sums(r, j) += sum over tiles of left(r, tile) * right(j, tile), for rows of
// vectors laid out as the right operand above. sums(p, r, j) is at
// sums[p * sums_step + r * sums_row + j].
struct WinogradLaneDots {
  int64_t rows, columns, vectors;
  const float* left;
  int64_t left_step;
  const float* right;
  int64_t right_step;
  float* sums;
  int64_t sums_step, sums_row;
};

struct WinogradPlanes {
  // The windows of sixteen tiles of one channel, rows `row` elements apart, at the points: point p
  // is sixteen floats at points + p * step. `square` is input or output4.
  void (*to_points)(WinogradSquare square, const float* plane, int64_t row,
                    const WinogradRuns& runs, float* points, int64_t step);
  // From products to the elements of the result that `low_mask` and `high_mask` name, plus `bias`.
  // False as for winograd_from_points.
  bool (*from_points)(const float* points, int64_t step, float bias, const WinogradRuns& runs,
                      float* plane, int64_t row);
  void (*product)(const WinogradLaneProduct& product);
  void (*dots)(const WinogradLaneDots& dots);
};
// Safe from any thread; null on a CPU without vectors of sixteen floats and masks.
const WinogradPlanes& winograd_planes();

}  // namespace gemel::simd
