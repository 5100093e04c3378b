#include "simd/winograd_planes.h"

#undef HWY_DISABLED_TARGETS
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_AVX3_DL)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "simd/winograd_planes.cpp"
#include <hwy/foreach_target.h>
//
#include <hwy/highway.h>

#include "simd/winograd_maps-inl.h"

HWY_BEFORE_NAMESPACE();
namespace gemel::simd::HWY_NAMESPACE {
namespace winograd_planes {
namespace hn = hwy::HWY_NAMESPACE;

#if HWY_TARGET == HWY_AVX3
using namespace winograd_maps;
constexpr Float d{};
using Mask = hn::Mask<Float>;
constexpr int points_count = static_cast<int>(winograd_points);

HWY_INLINE Mask mask_of(const uint16_t& bits) {
  return hn::LoadMaskBits(d, reinterpret_cast<const uint8_t*>(&bits));
}

// Intrinsics for what older versions of Highway lack: a load over `other`, and lanes of two
// vectors.
HWY_INLINE Vector load_or(Vector other, uint16_t mask, const float* from) {
  return Vector{_mm512_mask_loadu_ps(other.raw, mask, from)};
}
HWY_INLINE Vector choose(Vector a, Vector b, __m512i places) {
  return Vector{_mm512_permutex2var_ps(a.raw, places, b.raw)};
}

HWY_INLINE Vector load(const WinogradRun& run, const float* row, int64_t shift, const uint16_t& low,
                       const uint16_t& high) {
  const Vector first = hn::MaskedLoad(mask_of(low), d, row + run.low + shift);
  return run.joined ? first : load_or(first, high, row + run.high + shift);
}

HWY_INLINE void store(Vector value, const WinogradRun& run, float* row, const uint16_t& low,
                      const uint16_t& high) {
  if (low == 0xffff) return hn::StoreU(value, d, row + run.low);
  hn::BlendedStore(value, mask_of(low), d, row + run.low);
  if (!run.joined) hn::BlendedStore(value, mask_of(high), d, row + run.high);
}

// For each lane of a result, its place in two vectors one after the other.
template <typename F>
HWY_INLINE __m512i places(F lane) {
  alignas(64) int32_t index[16];
  for (int i = 0; i < 16; ++i) index[i] = lane(i);
  return _mm512_load_si512(index);
}

// Every fourth lane of four vectors, from lane `first` on, and that after it.
HWY_INLINE void take_two(const Vector (&v)[4], __m512i places, Vector& one, Vector& other) {
  const Vector a = choose(v[0], v[1], places);
  const Vector b = choose(v[2], v[3], places);
  one = hn::ConcatLowerLower(d, b, a);
  other = hn::ConcatUpperUpper(d, b, a);
}

template <typename Map>
void to_points_of(const float* plane, int64_t row, const WinogradRuns& runs, float* points,
                  int64_t step) {
  const auto first = places([](int i) { return i % 8 * 4 + i / 8; });
  const auto third = places([](int i) { return i % 8 * 4 + i / 8 + 2; });
  Vector x[side * side];
#pragma GCC unroll 6
  for (int r = 0; r < Map::from; ++r) {
    const float* line = plane + r * row;
    Vector v[4];
#pragma GCC unroll 4
    for (int q = 0; q < 4; ++q) {
      const WinogradRun& run = runs.run[q];
      v[q] = load(run, line, 0, run.low_mask[r], run.high_mask[r]);
    }
    Vector* const to = x + r * side;
    take_two(v, first, to[0], to[1]);
    take_two(v, third, to[2], to[3]);
    if constexpr (Map::from > 4) {
#pragma GCC unroll 4
      for (int q = 0; q < 4; ++q) {
        const WinogradRun& run = runs.run[q];
        v[q] = load(run, line, 4, run.low_next[r], run.high_next[r]);
      }
      take_two(v, first, to[4], to[5]);
    }
    Map::template apply<1>(to);
  }
#pragma GCC unroll 6
  for (int c = 0; c < side; ++c) {
    Map::template apply<side>(x + c);
#pragma GCC unroll 6
    for (int r = 0; r < side; ++r) hn::StoreU(x[r * side + c], d, points + (r * side + c) * step);
  }
}

void to_points(WinogradSquare square, const float* plane, int64_t row, const WinogradRuns& runs,
               float* points, int64_t step) {
  square == WinogradSquare::input
      ? to_points_of<Input>(plane, row, runs, points, step)
      : to_points_of<Evaluate<4, false>>(plane, row, runs, points, step);
}

bool from_points(const float* points, int64_t step, float bias, const WinogradRuns& runs,
                 float* plane, int64_t row) {
  using Map = Interpolate<4, false>;
  const hn::RebindToSigned<Float> bits;
  auto largest = hn::Zero(bits);  // of magnitudes as whole numbers, in whose order NaN comes last
  const auto magnitude = hn::Set(bits, 0x7fffffff);
  const auto low = places([](int i) { return i / 2 + i % 2 * 16; });
  const auto high = places([](int i) { return 8 + i / 2 + i % 2 * 16; });
  const auto low_pairs = places([](int i) { return i / 4 * 2 + i % 2 + i / 2 % 2 * 16; });
  const auto high_pairs = places([](int i) { return 8 + i / 4 * 2 + i % 2 + i / 2 % 2 * 16; });
  const Vector added = hn::Set(d, bias);
  Vector x[side * side];
#pragma GCC unroll 6
  for (int c = 0; c < side; ++c) {
#pragma GCC unroll 6
    for (int r = 0; r < side; ++r) x[r * side + c] = hn::LoadU(d, points + (r * side + c) * step);
    Map::apply<side>(x + c);
  }
#pragma GCC unroll 4
  for (int r = 0; r < 4; ++r) {
    Vector* const y = x + r * side;
    Map::apply<1>(y);
#pragma GCC unroll 4
    for (int c = 0; c < 4; ++c) {
      largest = hn::Max(largest, hn::And(hn::BitCast(bits, y[c]), magnitude));
      y[c] = hn::Add(y[c], added);
    }
    // Tile by tile the four columns side by side.
    const Vector a = choose(y[0], y[1], low);
    const Vector b = choose(y[2], y[3], low);
    const Vector e = choose(y[0], y[1], high);
    const Vector f = choose(y[2], y[3], high);
    const Vector v[4] = {choose(a, b, low_pairs), choose(a, b, high_pairs), choose(e, f, low_pairs),
                         choose(e, f, high_pairs)};
#pragma GCC unroll 4
    for (int q = 0; q < 4; ++q) {
      const WinogradRun& run = runs.run[q];
      store(v[q], run, plane + r * row, run.low_mask[r], run.high_mask[r]);
    }
  }
  constexpr int32_t limit = (100 + 127) << 23;  // 2^100
  return hn::AllTrue(bits, hn::Lt(largest, hn::Set(bits, limit)));
}

template <int rows, int vectors>
HWY_INLINE void product_tile(const float* left, const float* right, int64_t depth, int64_t row,
                             float* result) {
  Vector sum[rows][vectors];
#pragma GCC unroll 8
  for (int r = 0; r < rows; ++r)
#pragma GCC unroll 6
    for (int v = 0; v < vectors; ++v) sum[r][v] = hn::Zero(d);
  for (int64_t j = 0; j < depth; ++j, left += 16, right += row) {
    Vector x[vectors];
#pragma GCC unroll 6
    for (int v = 0; v < vectors; ++v) x[v] = hn::LoadU(d, right + v * 16);
#pragma GCC unroll 8
    for (int r = 0; r < rows; ++r) {
      const Vector value = hn::Set(d, left[r]);
#pragma GCC unroll 6
      for (int v = 0; v < vectors; ++v) sum[r][v] = hn::MulAdd(value, x[v], sum[r][v]);
    }
  }
#pragma GCC unroll 8
  for (int r = 0; r < rows; ++r)
#pragma GCC unroll 6
    for (int v = 0; v < vectors; ++v) hn::StoreU(sum[r][v], d, result + r * row + v * 16);
}

// What is left of the vectors: fewer at a time.
template <int rows, int vectors>
HWY_INLINE void product_rest(const float* left, const float* right, int64_t depth, int64_t row,
                             float* result, int64_t count) {
  if constexpr (vectors > 0) {
    if (count == vectors) return product_tile<rows, vectors>(left, right, depth, row, result);
    product_rest<rows, vectors - 1>(left, right, depth, row, result, count);
  }
}

template <int rows>
HWY_INLINE void product_rows(const WinogradLaneProduct& q, int64_t r) {
  constexpr int vectors = rows == 8 ? 3 : 6;
  const int64_t row = q.vectors * 16;
  for (int p = 0; p < points_count; ++p) {
    const float* left = q.left + p * q.left_step + r;
    const float* right = q.right + p * q.right_step;
    float* result = q.result + p * q.result_step + r * row;
    int64_t v = 0;
    for (; v + vectors <= q.vectors; v += vectors)
      product_tile<rows, vectors>(left, right + v * 16, q.depth, row, result + v * 16);
    product_rest<rows, vectors - 1>(left, right + v * 16, q.depth, row, result + v * 16,
                                    q.vectors - v);
  }
}

void product(const WinogradLaneProduct& q) {
  int64_t r = 0;
  for (; r + 8 <= q.rows; r += 8) product_rows<8>(q, r);
  for (; r + 4 <= q.rows; r += 4) product_rows<4>(q, r);
  for (; r < q.rows; ++r) product_rows<1>(q, r);
}

// The sum of the lanes of each of sixteen vectors.
HWY_INLINE Vector sums_of_lanes(Vector* s) {
  const hn::RepartitionToWide<Float> wide;
  const auto even_blocks = places([](int i) { return i / 8 * 8 + i / 4 % 2 * 16 + i % 4; });
  const auto odd_blocks = places([](int i) { return i / 8 * 8 + i / 4 % 2 * 16 + i % 4 + 4; });
  const auto even = places([](int i) { return i / 2 * 2 + i % 2 * 16; });
  const auto odd = places([](int i) { return i / 2 * 2 + i % 2 * 16 + 1; });
#pragma GCC unroll 8
  for (int i = 0; i < 8; ++i)
    s[i] =
        hn::Add(hn::ConcatLowerLower(d, s[i + 8], s[i]), hn::ConcatUpperUpper(d, s[i + 8], s[i]));
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i)
    s[i] = hn::Add(choose(s[i], s[i + 4], even_blocks), choose(s[i], s[i + 4], odd_blocks));
#pragma GCC unroll 2
  for (int i = 0; i < 2; ++i) {
    const auto a = hn::BitCast(wide, s[i]), b = hn::BitCast(wide, s[i + 2]);
    s[i] = hn::Add(hn::BitCast(d, hn::InterleaveLower(wide, a, b)),
                   hn::BitCast(d, hn::InterleaveUpper(wide, a, b)));
  }
  return hn::Add(choose(s[0], s[1], even), choose(s[0], s[1], odd));
}

template <int rows, int columns>
HWY_INLINE void dots_tile(const WinogradLaneDots& q, const float* left, const float* right,
                          float* sums) {
  const int64_t row = q.vectors * 16;
  Vector sum[rows][columns];
#pragma GCC unroll 4
  for (int r = 0; r < rows; ++r)
#pragma GCC unroll 4
    for (int j = 0; j < columns; ++j) sum[r][j] = hn::Zero(d);
  for (int64_t v = 0; v < row; v += 16) {
    Vector x[columns];
#pragma GCC unroll 4
    for (int j = 0; j < columns; ++j) x[j] = hn::LoadU(d, right + j * row + v);
#pragma GCC unroll 4
    for (int r = 0; r < rows; ++r) {
      const Vector head = hn::LoadU(d, left + r * row + v);
#pragma GCC unroll 4
      for (int j = 0; j < columns; ++j) sum[r][j] = hn::MulAdd(head, x[j], sum[r][j]);
    }
  }
  if constexpr (rows * columns == 16) {
    alignas(64) float sixteen[16];
    hn::Store(sums_of_lanes(&sum[0][0]), d, sixteen);
    for (int i = 0; i < 16; ++i) sums[i / 4 * q.sums_row + i % 4] += sixteen[i];
  } else {
    for (int r = 0; r < rows; ++r)
      for (int j = 0; j < columns; ++j)
        sums[r * q.sums_row + j] += hn::GetLane(hn::SumOfLanes(d, sum[r][j]));
  }
}

template <int rows>
HWY_INLINE void dots_rows(const WinogradLaneDots& q, int p, int64_t r) {
  const float* left = q.left + p * q.left_step + r * q.vectors * 16;
  const float* right = q.right + p * q.right_step;
  float* sums = q.sums + p * q.sums_step + r * q.sums_row;
  int64_t j = 0;
  for (; j + 4 <= q.columns; j += 4)
    dots_tile<rows, 4>(q, left, right + j * q.vectors * 16, sums + j);
  for (; j < q.columns; ++j) dots_tile<rows, 1>(q, left, right + j * q.vectors * 16, sums + j);
}

void dots(const WinogradLaneDots& q) {
  for (int p = 0; p < points_count; ++p) {
    int64_t r = 0;
    for (; r + 4 <= q.rows; r += 4) dots_rows<4>(q, p, r);
    for (; r < q.rows; ++r) dots_rows<1>(q, p, r);
  }
}

WinogradPlanes table() { return {to_points, from_points, product, dots}; }
#else
WinogradPlanes table() { return {}; }
#endif

}  // namespace winograd_planes

WinogradPlanes winograd_planes_table() { return winograd_planes::table(); }

}  // namespace gemel::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gemel::simd {

HWY_EXPORT(winograd_planes_table);

const WinogradPlanes& winograd_planes() {
  static const WinogradPlanes table = HWY_DYNAMIC_DISPATCH(winograd_planes_table)();
  return table;
}

}  // namespace gemel::simd
#endif
