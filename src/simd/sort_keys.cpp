#include "simd/sort_keys.h"

#include <hwy/contrib/sort/vqsort.h>

namespace gemel::simd {
namespace {

// It holds scratch memory: one for each thread.
hwy::Sorter& sorter() {
  thread_local hwy::Sorter one;
  return one;
}

}  // namespace

void sort_keys(uint32_t* keys, size_t n) { sorter()(keys, n, hwy::SortAscending()); }
void sort_keys(uint64_t* keys, size_t n) { sorter()(keys, n, hwy::SortAscending()); }

}  // namespace gemel::simd
