// Transposes by blocks of 4 x 4; included once for each target of Highway.
#if defined(GEMEL_SIMD_TRANSPOSE_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef GEMEL_SIMD_TRANSPOSE_INL
#undef GEMEL_SIMD_TRANSPOSE_INL
#else
#define GEMEL_SIMD_TRANSPOSE_INL
#endif

#include <hwy/highway.h>

#include <cstdint>

HWY_BEFORE_NAMESPACE();
namespace gemel::simd::HWY_NAMESPACE {

// to[j * to_row + i] = from[i * from_row + j], or += it.
inline void transpose_blocks(int64_t rows, int64_t columns, const float* from, int64_t from_row,
                             float* to, int64_t to_row, bool accumulate) {
  int64_t i = 0;
#if HWY_TARGET != HWY_SCALAR
  namespace hn = hwy::HWY_NAMESPACE;
  const hn::FixedTag<float, 4> d;
  const hn::RepartitionToWide<decltype(d)> wide;
  auto put = [&](auto pair, float* target) HWY_ATTR {
    const auto value = hn::BitCast(d, pair);
    hn::StoreU(accumulate ? hn::Add(value, hn::LoadU(d, target)) : value, d, target);
  };
  for (; i + 4 <= rows; i += 4)
    for (int64_t j = 0; j + 4 <= columns; j += 4) {
      const float* source = from + i * from_row + j;
      float* target = to + j * to_row + i;
      const auto a = hn::LoadU(d, source), b = hn::LoadU(d, source + from_row);
      const auto e = hn::LoadU(d, source + 2 * from_row), f = hn::LoadU(d, source + 3 * from_row);
      const auto ab_low = hn::BitCast(wide, hn::InterleaveLower(d, a, b));
      const auto ab_high = hn::BitCast(wide, hn::InterleaveUpper(d, a, b));
      const auto ef_low = hn::BitCast(wide, hn::InterleaveLower(d, e, f));
      const auto ef_high = hn::BitCast(wide, hn::InterleaveUpper(d, e, f));
      put(hn::InterleaveLower(wide, ab_low, ef_low), target);
      put(hn::InterleaveUpper(wide, ab_low, ef_low), target + to_row);
      put(hn::InterleaveLower(wide, ab_high, ef_high), target + 2 * to_row);
      put(hn::InterleaveUpper(wide, ab_high, ef_high), target + 3 * to_row);
    }
#endif
  // What the blocks left: the last columns of their rows, and the last rows.
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t j = r < i ? columns / 4 * 4 : 0; j < columns; ++j) {
      float& target = to[j * to_row + r];
      target = from[r * from_row + j] + (accumulate ? target : 0);
    }
}

}  // namespace gemel::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
