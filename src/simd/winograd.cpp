#include "simd/winograd.h"

#include <hwy/cache_control.h>

#undef HWY_DISABLED_TARGETS
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_AVX3_DL)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "simd/winograd.cpp"
#include <hwy/foreach_target.h>
//
#include <hwy/highway.h>

#include "simd/winograd_maps-inl.h"

HWY_BEFORE_NAMESPACE();
namespace gemel::simd::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using namespace winograd_maps;

template <typename Map>
void to_points(const WinogradWindows& from, int64_t count, const WinogradSpectrum& to) {
  const Float d;
  for (int64_t i = 0; i < count; ++i)
    for (int64_t lane = 0; lane < winograd_channels; lane += hn::Lanes(d)) {
      const float* window = from.values + i * from.step + lane;
      float* points = to.values + i * to.step + lane;
      Vector x[side * side];
#pragma GCC unroll 6
      for (int c = 0; c < Map::from; ++c) {
        const float* column = window + c * from.column;
#pragma GCC unroll 6
        for (int r = 0; r < Map::from; ++r) {
          x[r * side + c] = hn::LoadU(d, column + r * from.row);
          if (c >= Map::shared) hwy::Prefetch(column + r * from.row + Map::ahead * from.step);
        }
        Map::template apply<side>(x + c);
      }
#pragma GCC unroll 6
      for (int r = 0; r < side; ++r) {
        Map::template apply<1>(x + r * side);
#pragma GCC unroll 6
        for (int c = 0; c < side; ++c)
          hn::StoreU(x[r * side + c], d, points + (r * side + c) * to.point);
      }
    }
}

template <typename Map>
bool from_points(const WinogradSpectrum& from, int64_t count, const WinogradWindows& to,
                 const WinogradEpilogue& epilogue) {
  const Float d;
  const hn::RebindToSigned<Float> bits;
  auto largest = hn::Zero(bits);  // of magnitudes as whole numbers, in whose order NaN comes last
  const auto magnitude = hn::Set(bits, 0x7fffffff);
  const Vector zero = hn::Zero(d);
  for (int64_t i = 0; i < count; ++i)
    for (int64_t lane = 0; lane < winograd_channels; lane += hn::Lanes(d)) {
      const float* points = from.values + i * from.step + lane;
      float* window = to.values + i * to.step + lane;
      const float* residual = epilogue.residual ? epilogue.residual + i * to.step + lane : nullptr;
      const Vector bias = epilogue.bias ? hn::LoadU(d, epilogue.bias + lane) : zero;
      Vector x[side * side];
#pragma GCC unroll 6
      for (int c = 0; c < side; ++c) {
#pragma GCC unroll 6
        for (int r = 0; r < side; ++r)
          x[r * side + c] = hn::LoadU(d, points + (r * side + c) * from.point);
        Map::template apply<side>(x + c);
      }
#pragma GCC unroll 5
      for (int r = 0; r < Map::to; ++r) {
        Map::template apply<1>(x + r * side);
#pragma GCC unroll 5
        for (int c = 0; c < Map::to; ++c) {
          Vector value = x[r * side + c];
          largest = hn::Max(largest, hn::And(hn::BitCast(bits, value), magnitude));
          const int64_t place = r * to.row + c * to.column;
          if (epilogue.bias) value = hn::Add(value, bias);
          if (epilogue.residual) value = hn::Add(value, hn::LoadU(d, residual + place));
          if (epilogue.relu) value = hn::Max(value, zero);
          hn::StoreU(value, d, window + place);
          hwy::Prefetch(window + place + 4 * to.step);
        }
      }
    }
  constexpr int32_t limit = (100 + 127) << 23;  // 2^100
  return hn::AllTrue(bits, hn::Lt(largest, hn::Set(bits, limit)));
}

// Four rows of four elements, turned: element j of row i goes to element i of row j.
HWY_INLINE void turn(const float* from, int64_t from_row, float* to, int64_t to_row) {
#if HWY_TARGET == HWY_SCALAR
  for (int i = 0; i < 4; ++i)
    for (int j = 0; j < 4; ++j) to[j * to_row + i] = from[i * from_row + j];
#else
  const hn::FixedTag<float, 4> d;
  const hn::RepartitionToWide<decltype(d)> wide;
  const auto a = hn::LoadU(d, from), b = hn::LoadU(d, from + from_row);
  const auto e = hn::LoadU(d, from + 2 * from_row), f = hn::LoadU(d, from + 3 * from_row);
  const auto ab_low = hn::BitCast(wide, hn::InterleaveLower(d, a, b));
  const auto ab_high = hn::BitCast(wide, hn::InterleaveUpper(d, a, b));
  const auto ef_low = hn::BitCast(wide, hn::InterleaveLower(d, e, f));
  const auto ef_high = hn::BitCast(wide, hn::InterleaveUpper(d, e, f));
  hn::StoreU(hn::BitCast(d, hn::InterleaveLower(wide, ab_low, ef_low)), d, to);
  hn::StoreU(hn::BitCast(d, hn::InterleaveUpper(wide, ab_low, ef_low)), d, to + to_row);
  hn::StoreU(hn::BitCast(d, hn::InterleaveLower(wide, ab_high, ef_high)), d, to + 2 * to_row);
  hn::StoreU(hn::BitCast(d, hn::InterleaveUpper(wide, ab_high, ef_high)), d, to + 3 * to_row);
#endif
}

// Four channels at a time over all rows: few streams in memory, each of which runs on. The last
// block of columns overlaps the one before where they are no multiple of four. f(channel, row,
// column, whether it is a block of 4 x 4) sees every block, or single element.
template <typename F>
HWY_INLINE void blocks(const WinogradStrip& s, F&& f) {
  int64_t c = 0;
  if (s.columns >= 4)
    for (; c + 4 <= s.channels; c += 4)
      for (int64_t r = 0; r < s.rows; ++r) {
        int64_t x = 0;
        for (; x + 4 <= s.columns; x += 4) f(c, r, x, true);
        if (x < s.columns) f(c, r, s.columns - 4, true);
      }
  for (; c < s.channels; ++c)
    for (int64_t r = 0; r < s.rows; ++r)
      for (int64_t x = 0; x < s.columns; ++x) f(c, r, x, false);
}

#if HWY_TARGET == HWY_AVX3
// Sixteen rows of sixteen elements, turned, by blocks of 128 bits and then within them. Whole lines
// of the cache are read and written, of which there is no other hope where channels are a power of
// two apart.
HWY_INLINE void turn_lines(const float* from, int64_t from_row, float* to, int64_t to_row) {
  const hn::FixedTag<float, 16> d;
  const hn::RepartitionToWide<decltype(d)> wide;
  using Line = hn::Vec<decltype(d)>;
  Line pairs[16], fours[16];
#pragma GCC unroll 8
  for (int i = 0; i < 16; i += 2) {
    const Line a = hn::LoadU(d, from + i * from_row), b = hn::LoadU(d, from + (i + 1) * from_row);
    pairs[i] = hn::InterleaveLower(d, a, b);
    pairs[i + 1] = hn::InterleaveUpper(d, a, b);
  }
#pragma GCC unroll 4
  for (int i = 0; i < 16; i += 4)
#pragma GCC unroll 2
    for (int j = 0; j < 2; ++j) {
      const auto a = hn::BitCast(wide, pairs[i + j]), b = hn::BitCast(wide, pairs[i + j + 2]);
      fours[i + 2 * j] = hn::BitCast(d, hn::InterleaveLower(wide, a, b));
      fours[i + 2 * j + 1] = hn::BitCast(d, hn::InterleaveUpper(wide, a, b));
    }
    // Block k of fours[4 g + q] holds rows 4 g to 4 g + 3 of column 4 k + q.
#pragma GCC unroll 4
  for (int q = 0; q < 4; ++q) {
    const Line p0 = fours[q], p1 = fours[4 + q], p2 = fours[8 + q], p3 = fours[12 + q];
    const auto put = [&](Line even, Line odd, int k) HWY_ATTR {
      hn::StoreU(hn::OddEvenBlocks(hn::SwapAdjacentBlocks(odd), even), d,
                 to + (4 * k + q) * to_row);
      hn::StoreU(hn::OddEvenBlocks(odd, hn::SwapAdjacentBlocks(even)), d,
                 to + (4 * k + 4 + q) * to_row);
    };
    put(hn::ConcatLowerLower(d, p2, p0), hn::ConcatLowerLower(d, p3, p1), 0);
    put(hn::ConcatUpperUpper(d, p2, p0), hn::ConcatUpperUpper(d, p3, p1), 2);
  }
}

// Beyond this many elements between channels, sixteen of them are more streams in memory than are
// fetched ahead.
inline constexpr int64_t most_area = 1 << 14;

// Calls f(row, column) for lines of sixteen elements, the last of which may overlap; false: there
// are none.
template <typename F>
HWY_INLINE bool lines(const WinogradStrip& s, F&& f) {
  if (s.channels < 16 || s.columns < 16 || s.area > most_area) return false;
  for (int64_t r = 0; r < s.rows; ++r) {
    for (int64_t x = 0; x + 16 <= s.columns; x += 16) f(r, x);
    if (s.columns % 16 != 0) f(r, s.columns - 16);
  }
  return true;
}
#else
HWY_INLINE void turn_lines(const float*, int64_t, float*, int64_t) {}
template <typename F>
HWY_INLINE bool lines(const WinogradStrip&, F&&) {
  return false;
}
#endif

void gather(const WinogradStrip& s, const float* image, float* strip) {
  if (lines(s, [&](int64_t r, int64_t x) HWY_ATTR {
        turn_lines(image + r * s.line + x, s.area, strip + r * s.row + x * winograd_channels,
                   winograd_channels);
      }))
    return;
  blocks(s, [&](int64_t c, int64_t r, int64_t x, bool block) HWY_ATTR {
    const float* from = image + c * s.area + r * s.line + x;
    float* to = strip + r * s.row + x * winograd_channels + c;
    if (block)
      turn(from, s.area, to, winograd_channels);
    else
      *to = *from;
  });
}

void scatter(const WinogradStrip& s, const float* strip, float* image) {
  if (lines(s, [&](int64_t r, int64_t x) HWY_ATTR {
        turn_lines(strip + r * s.row + x * winograd_channels, winograd_channels,
                   image + r * s.line + x, s.area);
      }))
    return;
  blocks(s, [&](int64_t c, int64_t r, int64_t x, bool block) HWY_ATTR {
    const float* from = strip + r * s.row + x * winograd_channels + c;
    float* to = image + c * s.area + r * s.line + x;
    if (block)
      turn(from, winograd_channels, to, s.area);
    else
      *to = *from;
  });
}

void to_points_of(WinogradSquare square, const WinogradWindows& from, int64_t count,
                  const WinogradSpectrum& to) {
  switch (square) {
    case WinogradSquare::input:
      return to_points<Input>(from, count, to);
    case WinogradSquare::kernel3:
      return to_points<Evaluate<3, true>>(from, count, to);
    case WinogradSquare::kernel5:
      return to_points<Evaluate<5, true>>(from, count, to);
    case WinogradSquare::output4:
      return to_points<Evaluate<4, false>>(from, count, to);
    case WinogradSquare::output2:
      return to_points<Evaluate<2, false>>(from, count, to);
  }
}

bool from_points_of(WinogradSquare square, const WinogradSpectrum& from, int64_t count,
                    const WinogradWindows& to, const WinogradEpilogue& epilogue) {
  switch (square) {
    case WinogradSquare::input:
      return false;  // nothing needs it
    case WinogradSquare::kernel3:
      return from_points<Interpolate<3, true>>(from, count, to, epilogue);
    case WinogradSquare::kernel5:
      return from_points<Interpolate<5, true>>(from, count, to, epilogue);
    case WinogradSquare::output4:
      return from_points<Interpolate<4, false>>(from, count, to, epilogue);
    case WinogradSquare::output2:
      return from_points<Interpolate<2, false>>(from, count, to, epilogue);
  }
  return false;
}

}  // namespace gemel::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gemel::simd {

HWY_EXPORT(to_points_of);
HWY_EXPORT(from_points_of);
HWY_EXPORT(gather);
HWY_EXPORT(scatter);

void winograd_to_points(WinogradSquare square, const WinogradWindows& from, int64_t count,
                        const WinogradSpectrum& to) {
  HWY_DYNAMIC_DISPATCH(to_points_of)(square, from, count, to);
}

bool winograd_from_points(WinogradSquare square, const WinogradSpectrum& from, int64_t count,
                          const WinogradWindows& to, const WinogradEpilogue& epilogue) {
  return HWY_DYNAMIC_DISPATCH(from_points_of)(square, from, count, to, epilogue);
}

void winograd_gather(const WinogradStrip& s, const float* image, float* strip) {
  HWY_DYNAMIC_DISPATCH(gather)(s, image, strip);
}

void winograd_scatter(const WinogradStrip& s, const float* strip, float* image) {
  HWY_DYNAMIC_DISPATCH(scatter)(s, strip, image);
}

}  // namespace gemel::simd
#endif
