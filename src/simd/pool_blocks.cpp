#include "simd/pool_blocks.h"

#include <limits>

#undef HWY_DISABLED_TARGETS
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_AVX3_DL)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "simd/pool_blocks.cpp"
#include <hwy/foreach_target.h>
//
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace gemel::simd::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

inline constexpr int64_t block = 16;
using BlockTag = hn::CappedTag<float, block>;

void block_maxima(const WindowRow& q) {
  const BlockTag d;
  const auto lowest = hn::Set(d, std::numeric_limits<float>::lowest());
  for (int64_t i = 0; i < q.count; ++i)
    for (int64_t lane = 0; lane < block; lane += static_cast<int64_t>(hn::Lanes(d))) {
      auto best = lowest;
      for (int64_t r = 0; r < q.rows; ++r) {
        const float* row = q.image + r * q.line + lane;
        for (int64_t c = q.first[i]; c < q.last[i]; ++c) {
          const auto x = hn::LoadU(d, row + c * block);
          best = hn::IfThenElse(hn::Gt(x, best), x, best);
        }
      }
      hn::StoreU(best, d, q.out + i * block + lane);
    }
}

void block_sums(const WindowRow& q, const float* divisor) {
  const BlockTag d;
  for (int64_t i = 0; i < q.count; ++i)
    for (int64_t lane = 0; lane < block; lane += static_cast<int64_t>(hn::Lanes(d))) {
      auto sum = hn::Zero(d);
      for (int64_t c = q.first[i]; c < q.last[i]; ++c) {
        const float* column = q.image + c * block + lane;
        auto part = hn::Zero(d);
        for (int64_t r = 0; r < q.rows; ++r)
          part = hn::Add(part, hn::LoadU(d, column + r * q.line));
        sum = hn::Add(sum, part);
      }
      if (divisor) sum = hn::Div(sum, hn::Set(d, divisor[i]));
      hn::StoreU(sum, d, q.out + i * block + lane);
    }
}

}  // namespace gemel::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gemel::simd {

HWY_EXPORT(block_maxima);
HWY_EXPORT(block_sums);

void pool_block_maxima(const WindowRow& row) { HWY_DYNAMIC_DISPATCH(block_maxima)(row); }
void pool_block_sums(const WindowRow& row, const float* divisor) {
  HWY_DYNAMIC_DISPATCH(block_sums)(row, divisor);
}

}  // namespace gemel::simd
#endif
