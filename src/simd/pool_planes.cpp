#include "simd/pool_planes.h"

#include <algorithm>
#include <cstddef>
#include <limits>

#undef HWY_DISABLED_TARGETS
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_AVX3_DL)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "simd/pool_planes.cpp"
#include <hwy/foreach_target.h>
//
#include <hwy/highway.h>

#include "simd/vector_loops-inl.h"

#ifndef GEMEL_SIMD_POOL_PLANES_ONCE
#define GEMEL_SIMD_POOL_PLANES_ONCE
namespace gemel::simd {
// Rows of windows that are joined before their windows are taken, and what vectors may reach beyond
// the end of a row of scratch.
inline constexpr int64_t pool_rows = 8, pool_slack = 64;

// Elements of a row of scratch: the padded row of the input, and as far as its windows reach.
inline int64_t joined_row(const PoolSizes& g) {
  return std::max((g.out[2] - 1) * g.stride[2] + g.kernel[2], g.pad[2] + g.in[2]) + pool_slack;
}
// Elements of a row of gradients with the windows in front of and behind it that are none.
inline int64_t gradient_row(const PoolSizes& g) {
  return g.kernel[2] + std::max(g.out[2], g.in[2] + g.pad[2]) + pool_slack;
}
}  // namespace gemel::simd
#endif

HWY_BEFORE_NAMESPACE();
namespace gemel::simd::HWY_NAMESPACE {
namespace pooling {
namespace hn = hwy::HWY_NAMESPACE;

using D = hn::CappedTag<float, 16>;
using DI = hn::RebindToSigned<D>;
using DB = hn::Rebind<uint8_t, D>;
using V = hn::Vec<D>;
using VI = hn::Vec<DI>;
constexpr D d{};
constexpr DI di{};
constexpr DB db{};

// x where it is larger, so never a NaN of x.
HWY_INLINE V larger(V x, V best) {
#if HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_AVX2 || HWY_TARGET == HWY_SSE4
  return hn::Max(x, best);  // on x86 the second where the two do not compare
#else
  return hn::IfThenElse(hn::Gt(x, best), x, best);
#endif
}

struct Maximum {
  static V empty() { return hn::Set(d, std::numeric_limits<float>::lowest()); }
  static V add(V x, V sum) { return larger(x, sum); }
};
struct Sum {
  static V empty() { return hn::Zero(d); }
  static V add(V x, V sum) { return hn::Add(sum, x); }
};

// The rows of the input, [first, last) along an axis, that output `o` covers.
struct Rows {
  int64_t first, last, start;
  Rows(const PoolSizes& g, int axis, int64_t o) : start(o * g.stride[axis] - g.pad[axis]) {
    first = std::max<int64_t>(start, 0);
    last = std::max(first, std::min(start + g.kernel[axis], g.in[axis]));
  }
};

// Calls f(z rows, y rows, i) for output rows [first, last) of a plane.
template <typename F>
HWY_INLINE void each_row(const PoolSizes& g, int64_t first, int64_t last, F&& f) {
  for (int64_t row = first; row < last; ++row)
    f(Rows(g, 0, row / g.out[1]), Rows(g, 1, row % g.out[1]), row);
}

// Calls f(i, load, store) for vectors of a row of n elements; nothing is touched behind it.
template <typename F>
HWY_INLINE void over(int64_t n, F&& f) {
  const int64_t lanes = hn::Lanes(d);
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes)
    f(
        i, [&](const float* from) HWY_ATTR { return hn::LoadU(d, from); },
        [&](auto tag, auto value, auto* to) HWY_ATTR { hn::StoreU(value, tag, to); });
  if (i < n)
    f(
        i,
        [&](const float* from) HWY_ATTR { return load_tail(d, from, static_cast<size_t>(n - i)); },
        [&](auto tag, auto value, auto* to)
            HWY_ATTR { store_tail(tag, value, to, static_cast<size_t>(n - i)); });
}

// Joins the rows that a row of windows covers into one.
template <class Kind>
HWY_INLINE void join(const PoolSizes& g, const Rows& z, const Rows& y, const float* x, float* to) {
  over(g.in[2], [&](int64_t i, auto load, auto store) HWY_ATTR {
    V sum = Kind::empty();
    for (int64_t a = z.first; a < z.last; ++a) {
      const float* row = x + (a * g.in[1] + y.first) * g.in[2] + i;
      for (int64_t b = y.first; b < y.last; ++b, row += g.in[2]) sum = Kind::add(load(row), sum);
    }
    store(d, sum, to + i);
  });
}

// out = the windows of a joined row.
template <class Kind, class Finish>
HWY_INLINE void take_windows(const PoolSizes& g, const float* joined, float* out, Finish&& finish) {
  const int64_t kernel = g.kernel[2];
  if (g.stride[2] == 1) {
    over(g.out[2], [&](int64_t i, auto, auto store) HWY_ATTR {
      V sum = hn::LoadU(d, joined + i);
      for (int64_t j = 1; j < kernel; ++j) sum = Kind::add(hn::LoadU(d, joined + i + j), sum);
      store(d, finish(sum, i), out + i);
    });
  } else if (g.stride[2] == 2) {
    over(g.out[2], [&](int64_t i, auto, auto store) HWY_ATTR {
      V even, odd;
      hn::LoadInterleaved2(d, joined + 2 * i, even, odd);
      V sum = even;
      if (kernel > 1) sum = Kind::add(odd, sum);
      for (int64_t j = 2; j < kernel; j += 2) {
        hn::LoadInterleaved2(d, joined + 2 * i + j, even, odd);
        sum = Kind::add(even, sum);
        if (j + 1 < kernel) sum = Kind::add(odd, sum);
      }
      store(d, finish(sum, i), out + i);
    });
  } else {
    const auto step = hn::Mul(hn::Iota(di, 0), hn::Set(di, static_cast<int32_t>(g.stride[2])));
    over(g.out[2], [&](int64_t i, auto, auto store) HWY_ATTR {
      const float* first = joined + i * g.stride[2];
      // Lanes behind the last window would reach far.
      const auto index = hn::IfThenElseZero(
          hn::Lt(hn::Iota(di, 0),
                 hn::Set(di, static_cast<int32_t>(std::min<int64_t>(g.out[2] - i, hn::Lanes(d))))),
          step);
      V sum = hn::GatherIndex(d, first, index);
      for (int64_t j = 1; j < kernel; ++j)
        sum = Kind::add(hn::GatherIndex(d, first + j, index), sum);
      store(d, finish(sum, i), out + i);
    });
  }
}

template <class Kind, class Finish>
void pool(const PoolSizes& g, int64_t planes, const float* x, float* out, float* joined,
          Finish&& finish) {
  const int64_t width = joined_row(g), rows = g.out[0] * g.out[1];
  const int64_t lanes = hn::Lanes(d);
  for (int64_t i = 0; i < pool_rows * width; i += lanes) hn::StoreU(Kind::empty(), d, joined + i);
  for (int64_t p = 0; p < planes; ++p, x += g.in_size(), out += g.out_size())
    for (int64_t first = 0; first < rows; first += pool_rows) {
      const int64_t last = std::min(rows, first + pool_rows);
      each_row(g, first, last, [&](const Rows& z, const Rows& y, int64_t row) HWY_ATTR {
        join<Kind>(g, z, y, x, joined + (row - first) * width + g.pad[2]);
      });
      for (int64_t row = first; row < last; ++row)
        take_windows<Kind>(g, joined + (row - first) * width, out + row * g.out[2],
                           [&](V sum, int64_t i)
                               HWY_ATTR { return finish(sum, row * g.out[2] + i, g.out[2] - i); });
    }
}

void largest(const PoolSizes& g, int64_t planes, const float* x, float* out, void* scratch) {
  pool<Maximum>(g, planes, x, out, static_cast<float*>(scratch),
                [](V best, int64_t, int64_t) HWY_ATTR { return best; });
}

void sums(const PoolSizes& g, int64_t planes, const float* x, const float* divisors, float* out,
          void* scratch) {
  auto* joined = static_cast<float*>(scratch);
  if (!divisors)
    return pool<Sum>(g, planes, x, out, joined,
                     [](V sum, int64_t, int64_t) HWY_ATTR { return sum; });
  pool<Sum>(g, planes, x, out, joined, [&](V sum, int64_t at, int64_t left) HWY_ATTR {
    const auto lanes = static_cast<int64_t>(hn::Lanes(d));
    return hn::Div(sum, left >= lanes ? hn::LoadU(d, divisors + at)
                                      : load_tail(d, divisors + at, static_cast<size_t>(left)));
  });
}

// The largest and the place of each first one: rows of windows with, for each column, the place of
// its largest in a window that begins there.
struct Candidate {
  V value;
  VI place;
};

HWY_INLINE Candidate first_of(Candidate best, V value, VI place) {
  const auto same = hn::RebindMask(di, hn::Eq(value, best.value));
  const auto take = hn::Or(hn::RebindMask(di, hn::Gt(value, best.value)),
                           hn::And(same, hn::Lt(place, best.place)));
  return {hn::IfThenElse(hn::RebindMask(d, take), value, best.value),
          hn::IfThenElse(take, place, best.place)};
}

HWY_INLINE void join_places(const PoolSizes& g, const Rows& z, const Rows& y, const float* x,
                            float* to, int32_t* place_to) {
  over(g.in[2], [&](int64_t i, auto load, auto store) HWY_ATTR {
    V best = hn::Set(d, -std::numeric_limits<float>::infinity());
    VI place = hn::Zero(di);
    for (int64_t a = z.first; a < z.last; ++a)
      for (int64_t b = y.first; b < y.last; ++b) {
        const V value = load(x + (a * g.in[1] + b) * g.in[2] + i);
        const int64_t number = ((a - z.start) * g.kernel[1] + (b - y.start)) * g.kernel[2];
        const auto more = hn::Gt(value, best);
        best = hn::IfThenElse(more, value, best);
        place = hn::IfThenElse(hn::RebindMask(di, more), hn::Set(di, static_cast<int32_t>(number)),
                               place);
      }
    store(d, best, to + i);
    store(di, place, place_to + i);
  });
}

template <int stride>
HWY_INLINE void take_places(const PoolSizes& g, const float* joined, const int32_t* number,
                            float* out, uint8_t* places) {
  const V infinity = hn::Set(d, -std::numeric_limits<float>::infinity());
  over(g.out[2], [&](int64_t i, auto, auto store) HWY_ATTR {
    Candidate best{infinity, hn::Set(di, 255)};
    const auto plus = [](VI place, int64_t j)
                          HWY_ATTR { return hn::Add(place, hn::Set(di, static_cast<int32_t>(j))); };
    for (int64_t j = 0; j < g.kernel[2]; j += stride) {
      const float* from = joined + i * stride + j;
      const int32_t* number_from = number + i * stride + j;
      if constexpr (stride == 1) {
        best = first_of(best, hn::LoadU(d, from), plus(hn::LoadU(di, number_from), j));
      } else {
        V even, odd;
        VI even_place, odd_place;
        hn::LoadInterleaved2(d, from, even, odd);
        hn::LoadInterleaved2(di, number_from, even_place, odd_place);
        best = first_of(best, even, plus(even_place, j));
        if (j + 1 < g.kernel[2]) best = first_of(best, odd, plus(odd_place, j + 1));
      }
    }
    const auto none = hn::RebindMask(di, hn::Eq(best.value, infinity));
    store(d, hn::Max(best.value, Maximum::empty()), out + i);
    store(db, hn::DemoteTo(db, hn::IfThenElse(none, hn::Set(di, 255), best.place)), places + i);
  });
}

void take_places_one_by_one(const PoolSizes& g, const float* joined, const int32_t* number,
                            float* out, uint8_t* places) {
  for (int64_t i = 0; i < g.out[2]; ++i) {
    float best = -std::numeric_limits<float>::infinity();
    int64_t place = 255;
    for (int64_t j = 0; j < g.kernel[2]; ++j) {
      const int64_t k = i * g.stride[2] + j, here = number[k] + j;
      if (joined[k] > best || (joined[k] == best && here < place)) best = joined[k], place = here;
    }
    const bool none = best == -std::numeric_limits<float>::infinity();
    out[i] = std::max(best, std::numeric_limits<float>::lowest());
    places[i] = static_cast<uint8_t>(none ? 255 : place);
  }
}

void first_largest(const PoolSizes& g, int64_t planes, const float* x, float* out, uint8_t* places,
                   void* scratch) {
  const int64_t width = joined_row(g), rows = g.out[0] * g.out[1];
  auto* joined = static_cast<float*>(scratch);
  auto* number = reinterpret_cast<int32_t*>(joined + pool_rows * width);
  std::fill_n(joined, pool_rows * width, -std::numeric_limits<float>::infinity());
  std::fill_n(number, pool_rows * width, 0);
  for (int64_t p = 0; p < planes; ++p, x += g.in_size())
    for (int64_t first = 0; first < rows; first += pool_rows) {
      const int64_t last = std::min(rows, first + pool_rows);
      each_row(g, first, last, [&](const Rows& z, const Rows& y, int64_t row) HWY_ATTR {
        const int64_t at = (row - first) * width + g.pad[2];
        join_places(g, z, y, x, joined + at, number + at);
      });
      const auto take = g.stride[2] == 1   ? take_places<1>
                        : g.stride[2] == 2 ? take_places<2>
                                           : take_places_one_by_one;
      for (int64_t row = first; row < last; ++row, out += g.out[2], places += g.out[2])
        take(g, joined + (row - first) * width, number + (row - first) * width, out, places);
    }
}

// The outputs [first, last) along an axis whose windows hold input `i`.
struct Holders {
  int64_t first, last;
  Holders(const PoolSizes& g, int axis, int64_t i) {
    const int64_t at = i + g.pad[axis], s = g.stride[axis];
    first = std::max<int64_t>(0, (at - g.kernel[axis] + s) / s);
    if (at < g.kernel[axis]) first = 0;
    last = std::min(g.out[axis], at / s + 1);
  }
};

// A plane's gradients with room for windows in front of and behind each row, which give nothing.
struct PaddedHeads {
  int64_t row;  // elements
  float* dy;
  uint8_t* places;  // null: every element of a window gets its share
};

// What a window at `at` gives to the elements at `code` in it.
template <bool placed>
HWY_INLINE V given(const PaddedHeads& heads, int64_t at, VI code) {
  const V dy = hn::LoadU(d, heads.dy + at);
  if constexpr (!placed) return dy;
  const VI place = hn::PromoteTo(di, hn::LoadU(db, heads.places + at));
  return hn::IfThenElseZero(hn::RebindMask(d, hn::Eq(place, code)), dy);
}

// dx of one row: windows of `line` hold it as their row `number` of places.
struct Line {
  int64_t at, number;
};

template <bool placed, int stride, typename Lines>
HWY_INLINE void gradient_of_row(const PoolSizes& g, const PaddedHeads& heads, Lines&& lines,
                                float* row, float* dx) {
  const int64_t kernel = g.kernel[2], pad = g.pad[2];
  const auto code = [](int64_t number)
                        HWY_ATTR { return hn::Set(di, static_cast<int32_t>(number)); };
  if constexpr (stride == 1) {
    over(g.in[2], [&](int64_t i, auto, auto store) HWY_ATTR {
      V sum = hn::Zero(d);
      lines([&](const Line& line) HWY_ATTR {
        for (int64_t j = kernel - 1; j >= 0; --j)
          sum = hn::Add(sum, given<placed>(heads, line.at + i + pad - j, code(line.number + j)));
      });
      store(d, sum, dx + i);
    });
  } else {
    const int64_t lanes = hn::Lanes(d), pairs = (g.in[2] + pad + 1) / 2;
    for (int64_t u = 0; u < pairs; u += lanes) {
      V even = hn::Zero(d), odd = hn::Zero(d);
      lines([&](const Line& line) HWY_ATTR {
        for (int64_t j = (kernel - 1) / 2 * 2; j >= 0; j -= 2)
          even = hn::Add(even, given<placed>(heads, line.at + u - j / 2, code(line.number + j)));
        for (int64_t j = kernel / 2 * 2 - 1; j >= 0; j -= 2)
          odd = hn::Add(odd, given<placed>(heads, line.at + u - j / 2, code(line.number + j)));
      });
      hn::StoreInterleaved2(even, odd, d, row + 2 * u);
    }
    over(g.in[2],
         [&](int64_t i, auto load, auto store) HWY_ATTR { store(d, load(row + pad + i), dx + i); });
  }
}

template <bool placed, int stride>
void gradient_of_plane(const PoolSizes& g, const PaddedHeads& heads, float* row, float* dx) {
  const int64_t room = g.kernel[2];
  for (int64_t z = 0; z < g.in[0]; ++z) {
    const Holders deep(g, 0, z);
    for (int64_t y = 0; y < g.in[1]; ++y, dx += g.in[2]) {
      const Holders high(g, 1, y);
      const auto lines = [&](auto&& f) HWY_ATTR {
        for (int64_t a = deep.first; a < deep.last; ++a)
          for (int64_t b = high.first; b < high.last; ++b) {
            const int64_t kz = z + g.pad[0] - a * g.stride[0], ky = y + g.pad[1] - b * g.stride[1];
            f(Line{(a * g.out[1] + b) * heads.row + room, (kz * g.kernel[1] + ky) * g.kernel[2]});
          }
      };
      gradient_of_row<placed, stride>(g, heads, lines, row, dx);
    }
  }
}

// Places one by one: where windows overlap little, there are few of them for an element.
void scatter(const PoolSizes& g, int64_t planes, const float* dy, const uint8_t* places,
             float* dx) {
  int64_t offsets[256], count = 0;  // of places, from their window's beginning
  for (int64_t z = 0; z < g.kernel[0]; ++z)
    for (int64_t y = 0; y < g.kernel[1]; ++y)
      for (int64_t x = 0; x < g.kernel[2]; ++x) offsets[count++] = (z * g.in[1] + y) * g.in[2] + x;
  const int64_t rows = g.out[0] * g.out[1];
  for (int64_t p = 0; p < planes; ++p, dx += g.in_size()) {
    std::fill_n(dx, g.in_size(), 0.0f);
    each_row(g, 0, rows, [&](const Rows& z, const Rows& y, int64_t) {
      int64_t at = (z.start * g.in[1] + y.start) * g.in[2] - g.pad[2];
      for (int64_t i = 0; i < g.out[2]; ++i, ++dy, ++places, at += g.stride[2])
        if (*places != 255) dx[at + offsets[*places]] += *dy;
    });
  }
}

void gradient(const PoolSizes& g, int64_t planes, const float* dy, const uint8_t* places,
              const float* divisors, float* dx, void* scratch) {
  constexpr int64_t wide = 64;  // from here on vectors are faster
  if (places && (g.stride[2] > 2 || (g.stride[2] == 2 && g.in[2] < wide)))
    return scatter(g, planes, dy, places, dx);
  const int64_t rows = g.out[0] * g.out[1], width = gradient_row(g), room = g.kernel[2];
  auto* padded = static_cast<float*>(scratch);
  auto* row = padded + rows * width;
  PaddedHeads heads{width, padded, nullptr};
  std::fill_n(padded, rows * width, 0.0f);
  if (places) {
    heads.places = reinterpret_cast<uint8_t*>(row + 2 * width);
    std::fill_n(heads.places, rows * width, uint8_t(255));
  }
  const auto run = g.stride[2] == 1
                       ? (places ? gradient_of_plane<true, 1> : gradient_of_plane<false, 1>)
                       : (places ? gradient_of_plane<true, 2> : gradient_of_plane<false, 2>);
  for (int64_t p = 0; p < planes; ++p, dx += g.in_size()) {
    for (int64_t r = 0; r < rows; ++r, dy += g.out[2]) {
      float* to = padded + r * width + room;
      over(g.out[2], [&](int64_t i, auto load, auto store) HWY_ATTR {
        V head = load(dy + i);
        if (divisors) head = hn::Div(head, load(divisors + r * g.out[2] + i));
        store(d, head, to + i);
      });
      if (!places) continue;
      std::copy_n(places, g.out[2], heads.places + r * width + room);
      places += g.out[2];
    }
    run(g, heads, row, dx);
  }
}

}  // namespace pooling

PoolLoops pool_loops_table() {
  return {pooling::largest, pooling::first_largest, pooling::sums, pooling::gradient};
}

}  // namespace gemel::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gemel::simd {

HWY_EXPORT(pool_loops_table);

const PoolLoops& pool_loops() {
  static const PoolLoops table = HWY_DYNAMIC_DISPATCH(pool_loops_table)();
  return table;
}

int64_t pool_scratch(const PoolSizes& g) {
  const int64_t rows = g.out[0] * g.out[1], width = gradient_row(g);
  const int64_t forward = 2 * pool_rows * joined_row(g);
  const int64_t backward = (rows + 2) * width + rows * width / 4 + pool_slack;
  return std::max(forward, backward) * static_cast<int64_t>(sizeof(float));
}

}  // namespace gemel::simd
#endif
