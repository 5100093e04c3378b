#include "simd/transpose.h"

#undef HWY_DISABLED_TARGETS
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_AVX3_DL)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "simd/transpose.cpp"
#include <hwy/foreach_target.h>
//
#include <hwy/cache_control.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace gemel::simd::HWY_NAMESPACE {
namespace transposes {
namespace hn = hwy::HWY_NAMESPACE;

#if HWY_TARGET != HWY_SCALAR
// Elements of a 128-bit block, inside which vectors interleave.
template <typename T>
constexpr size_t block = 16 / sizeof(T);

// Block b of the result is read at from + b * block * step: every block-th line.
template <class D, typename T>
HWY_INLINE hn::Vec<D> load_blocks(D d, const T* from, ptrdiff_t step) {
  constexpr size_t lanes = hn::MaxLanes(D());
  if constexpr (lanes <= block<T>) {
    return hn::LoadU(d, from);
  } else {
    const hn::Half<D> half;
    return hn::Combine(d, load_blocks(half, from + static_cast<ptrdiff_t>(lanes / 2) * step, step),
                       load_blocks(half, from, step));
  }
}

template <bool streaming, class D, typename T>
HWY_INLINE void store(D d, hn::Vec<D> value, T* to) {
  if constexpr (streaming)
    hn::Stream(value, d, to);
  else
    hn::StoreU(value, d, to);
}

// One block's worth of rows, a vector's worth of columns.
template <bool streaming, class D>
HWY_INLINE void micro(D d, const uint32_t* from, ptrdiff_t from_step, uint32_t* to,
                      ptrdiff_t to_step) {
  const auto v0 = load_blocks(d, from, from_step);
  const auto v1 = load_blocks(d, from + from_step, from_step);
  const auto v2 = load_blocks(d, from + 2 * from_step, from_step);
  const auto v3 = load_blocks(d, from + 3 * from_step, from_step);
  const auto even_low = hn::InterleaveLower(d, v0, v2), even_high = hn::InterleaveUpper(d, v0, v2);
  const auto odd_low = hn::InterleaveLower(d, v1, v3), odd_high = hn::InterleaveUpper(d, v1, v3);
  store<streaming>(d, hn::InterleaveLower(d, even_low, odd_low), to);
  store<streaming>(d, hn::InterleaveUpper(d, even_low, odd_low), to + to_step);
  store<streaming>(d, hn::InterleaveLower(d, even_high, odd_high), to + 2 * to_step);
  store<streaming>(d, hn::InterleaveUpper(d, even_high, odd_high), to + 3 * to_step);
}
template <bool streaming, class D>
HWY_INLINE void micro(D d, const uint64_t* from, ptrdiff_t from_step, uint64_t* to,
                      ptrdiff_t to_step) {
  const auto v0 = load_blocks(d, from, from_step);
  const auto v1 = load_blocks(d, from + from_step, from_step);
  store<streaming>(d, hn::InterleaveLower(d, v0, v1), to);
  store<streaming>(d, hn::InterleaveUpper(d, v0, v1), to + to_step);
}

#endif  // HWY_TARGET != HWY_SCALAR

template <bool streaming, typename T>
HWY_INLINE void transpose_in(const T* from, ptrdiff_t from_step, T* to, ptrdiff_t to_step,
                             size_t rows, size_t columns) {
  size_t whole_rows = 0, whole_columns = 0;
#if HWY_TARGET != HWY_SCALAR
  const hn::CappedTag<T, 64 / sizeof(T)> d;
  constexpr size_t lanes = hn::MaxLanes(d), line = 64 / sizeof(T);
  whole_rows = rows / block<T> * block<T>;
  whole_columns = columns / lanes * lanes;
  // A cache line of each source line at a time.
  for (size_t r = 0; r < whole_rows; r += line)
    for (size_t c = 0; c < whole_columns; c += lanes)
      for (size_t k = r; k < whole_rows && k < r + line; k += block<T>)
        micro<streaming>(d, from + static_cast<ptrdiff_t>(c) * from_step + k, from_step,
                         to + static_cast<ptrdiff_t>(k) * to_step + c, to_step);
#endif
  for (size_t r = 0; r < rows; ++r)
    for (size_t c = r < whole_rows ? whole_columns : 0; c < columns; ++c)
      to[static_cast<ptrdiff_t>(r) * to_step + c] = from[static_cast<ptrdiff_t>(c) * from_step + r];
}

template <typename T>
void transpose(const T* from, ptrdiff_t from_step, T* to, ptrdiff_t to_step, size_t rows,
               size_t columns, bool streaming) {
  if (streaming)
    transpose_in<true>(from, from_step, to, to_step, rows, columns);
  else
    transpose_in<false>(from, from_step, to, to_step, rows, columns);
  if (streaming) hwy::FlushStream();
}

}  // namespace transposes

Transpose<uint32_t> transpose_32() { return transposes::transpose<uint32_t>; }
Transpose<uint64_t> transpose_64() { return transposes::transpose<uint64_t>; }

}  // namespace gemel::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gemel::simd {

HWY_EXPORT(transpose_32);
HWY_EXPORT(transpose_64);

template <>
Transpose<uint32_t> transpose_function<uint32_t>() {
  static const Transpose<uint32_t> chosen = HWY_DYNAMIC_DISPATCH(transpose_32)();
  return chosen;
}
template <>
Transpose<uint64_t> transpose_function<uint64_t>() {
  static const Transpose<uint64_t> chosen = HWY_DYNAMIC_DISPATCH(transpose_64)();
  return chosen;
}

}  // namespace gemel::simd
#endif
