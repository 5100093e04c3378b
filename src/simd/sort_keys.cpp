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

bool sorts_double() { return hwy::Sorter::HaveFloat64(); }

template <typename T>
void sort_keys(T* keys, size_t n, bool ascending) {
  if (ascending)
    sorter()(keys, n, hwy::SortAscending());
  else
    sorter()(keys, n, hwy::SortDescending());
}

template void sort_keys(float*, size_t, bool);
template void sort_keys(double*, size_t, bool);
template void sort_keys(int32_t*, size_t, bool);
template void sort_keys(int64_t*, size_t, bool);
template void sort_keys(uint32_t*, size_t, bool);
template void sort_keys(uint64_t*, size_t, bool);

}  // namespace gemel::simd
