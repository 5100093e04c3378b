// Vector loops of reductions, chosen once for the CPU at hand; T is float or double. The order of
// additions is fixed, whatever the CPU's vectors hold, so the bits are the same everywhere. A NaN
// wins in max and min; which of two zeros of different sign wins is left to the CPU.
#pragma once
#include <cstddef>
#include <cstdint>
#include <type_traits>

namespace gemel::simd {

enum class Reducing { add, add_squares, max, min };
inline constexpr int reducing_count = 4;

// Lanes in which a run is totalled: enough that the next addition never waits for the last.
template <typename T>
inline constexpr size_t run_lanes = 256 / sizeof(T);
// Rows that are added to each other before they are added to a total.
inline constexpr size_t joined_rows = 8;
// The position of an element along an axis, as wide as the element.
template <typename T>
using IndexOf = std::conditional_t<sizeof(T) == 4, int32_t, int64_t>;

template <typename T>
struct ReduceLoops {
  // The total of n elements: element i goes to lane i % run_lanes (of fewer elements: i % 16),
  // lanes are joined in halves; the last n % 16 elements come in when 16 lanes are left. Without
  // elements 0, or the infinity that loses.
  T (*run[reducing_count])(const T* x, size_t n);
  // total[i] is combined with x[0][i], x[1][i] ... (their squares where squares are added): eight
  // rows, then four, are joined in T, two by two; their total and single rows follow in double.
  void (*accumulate[reducing_count])(const T* const* x, size_t rows, double* total, size_t n);
  // Where the first element equal to `value` is (the first NaN, if it is one); n if there is none.
  size_t (*find)(const T* x, size_t n, T value);
  // [largest]: for each column i, best[i] and index[i] become those of the first of `rows` rows,
  // `stride` apart and counted from `first`, that beats all before it. NaN beats every number.
  void (*extreme_rows[2])(const T* x, size_t stride, size_t rows, IndexOf<T> first, T* best,
                          IndexOf<T>* index, size_t n);
  // [largest]: writes the positions of the elements above (below) the limit, returns their number.
  size_t (*beyond[2])(const T* x, size_t n, T limit, uint32_t* at);
};

// Safe from any thread.
template <typename T>
const ReduceLoops<T>& reduce_loops();
template <>
const ReduceLoops<float>& reduce_loops<float>();
template <>
const ReduceLoops<double>& reduce_loops<double>();

}  // namespace gemel::simd
