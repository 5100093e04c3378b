// Many arrays of unequal size shared evenly by the threads: a thread's part may begin and end in
// the middle of arrays. For work that goes element by element.
#pragma once
#include <algorithm>
#include <cstdint>
#include <exception>
#include <span>
#include <vector>

#include "array/tensor.h"
#include "kernels/parallel.h"

namespace gemel::kernels {

// Fewer bytes are one thread's work.
constexpr int64_t parallel_bytes = 4 << 20;

struct Extent {
  int64_t elements = 0;
  int64_t bytes = 0;      // that one element moves
  bool divisible = true;  // else one thread does all of it
};

// Elements [begin, end) of a tensor, as one axis.
inline Tensor range_of(const Tensor& tensor, int64_t begin, int64_t end) {
  Tensor range = tensor;
  range.address += begin * size_of(tensor.dtype);
  range.shape = Shape{end - begin};
  return range;
}

// The elements of an extent that begins at `start` bytes of all, as far as they lie in the part
// [low, high) of all. Cuts are at multiples of 1024 elements, so that no two threads write to one
// cache line.
inline std::pair<int64_t, int64_t> part_of(const Extent& extent, int64_t start, int64_t low,
                                           int64_t high) {
  constexpr int64_t grain = 1024;
  const auto cut = [&](int64_t at) {
    if (at <= start) return int64_t{0};
    const int64_t element = (at - start) / std::max<int64_t>(extent.bytes, 1);
    if (element >= extent.elements) return extent.elements;
    return extent.divisible ? element / grain * grain : int64_t{0};
  };
  // What begins before `high` and is not cut belongs to the part that its begin lies in.
  return extent.divisible               ? std::pair{cut(low), cut(high)}
         : start >= low && start < high ? std::pair{int64_t{0}, extent.elements}
                                        : std::pair{int64_t{0}, int64_t{0}};
}

// f(k, begin, end): elements [begin, end) of extent k. Every element of every extent once.
template <typename F>
void parallel_ranges(std::span<const Extent> extents, F&& f) {
#ifdef GEMEL_WITH_OPENMP
  int64_t total = 0;
  for (const Extent& extent : extents) total += extent.elements * extent.bytes;
  const int threads = omp_in_parallel() || total < parallel_bytes ? 1 : omp_get_max_threads();
  if (threads > 1) {
    std::exception_ptr failure;
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int thread = 0; thread < threads; ++thread) {
      const int64_t low = total / threads * thread;
      const int64_t high = thread + 1 == threads ? total + 1 : total / threads * (thread + 1);
      int64_t start = 0;
      try {
        for (size_t k = 0; k < extents.size() && start < high; ++k) {
          const auto [begin, end] = part_of(extents[k], start, low, high);
          if (begin < end) f(k, begin, end);
          start += extents[k].elements * extents[k].bytes;
        }
      } catch (...) {
#pragma omp critical
        failure = std::current_exception();
      }
    }
    if (failure) std::rethrow_exception(failure);
    return;
  }
#endif
  for (size_t k = 0; k < extents.size(); ++k)
    if (extents[k].elements > 0) f(k, int64_t{0}, extents[k].elements);
}

}  // namespace gemel::kernels
