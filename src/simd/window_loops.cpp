#include "simd/window_loops.h"

#undef HWY_DISABLED_TARGETS
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_AVX3_DL)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "simd/window_loops.cpp"
#include <hwy/foreach_target.h>
//
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace gemel::simd::HWY_NAMESPACE {
namespace window_rows {
namespace hn = hwy::HWY_NAMESPACE;

using D = hn::CappedTag<float, 16>;
using DI = hn::RebindToSigned<D>;
constexpr D d{};
constexpr DI di{};

// Calls f(tag, i) for vectors over [0, n): whole ones, then of four, then of one element.
template <typename F>
HWY_INLINE void over(size_t n, F&& f) {
  const hn::CappedTag<float, 4> four;
  const hn::CappedTag<float, 1> one;
  size_t i = 0;
  for (; i + hn::Lanes(d) <= n; i += hn::Lanes(d)) f(d, i);
  for (; i + hn::Lanes(four) <= n; i += hn::Lanes(four)) f(four, i);
  for (; i < n; ++i) f(one, i);
}

void larger(const float* x, float* best, size_t n) {
  over(n, [&](auto tag, size_t i) HWY_ATTR {
    const auto a = hn::LoadU(tag, best + i), b = hn::LoadU(tag, x + i);
    hn::StoreU(hn::IfThenElse(hn::Gt(b, a), b, a), tag, best + i);
  });
}

void larger_with_row(const float* x, int32_t number, float* best, int32_t* row, size_t n) {
  over(n, [&](auto tag, size_t i) HWY_ATTR {
    const hn::RebindToSigned<decltype(tag)> whole;
    const auto a = hn::LoadU(tag, best + i), b = hn::LoadU(tag, x + i);
    const auto more = hn::Gt(b, a);
    hn::StoreU(hn::IfThenElse(more, b, a), tag, best + i);
    hn::StoreU(hn::IfThenElse(hn::RebindMask(whole, more), hn::Set(whole, number),
                              hn::LoadU(whole, row + i)),
               whole, row + i);
  });
}

void add(const float* x, float* sum, size_t n) {
  over(n, [&](auto tag, size_t i) HWY_ATTR {
    hn::StoreU(hn::Add(hn::LoadU(tag, sum + i), hn::LoadU(tag, x + i)), tag, sum + i);
  });
}

// The elements first, first + stride, ... for strides 1 and 2.
template <size_t stride, class Tag, typename T>
HWY_INLINE hn::Vec<Tag> every(Tag tag, const T* first) {
  if constexpr (stride == 1) {
    return hn::LoadU(tag, first);
  } else {
    hn::Vec<Tag> even, odd;
    hn::LoadInterleaved2(tag, first, even, odd);
    return even;
  }
}

template <size_t stride>
void largest(const float* best, size_t kernel, float* out, size_t n) {
  const size_t lanes = hn::Lanes(d);
  for (size_t i = 0; i < n; i += lanes) {
    auto value = every<stride>(d, best + i * stride);
    for (size_t j = 1; j < kernel; ++j) {
      const auto next = every<stride>(d, best + i * stride + j);
      value = hn::IfThenElse(hn::Gt(next, value), next, value);
    }
    hn::StoreU(value, d, out + i);
  }
}

template <size_t stride>
void first_largest(const float* best, const int32_t* row, size_t kernel, float* out, int32_t* place,
                   size_t n) {
  const size_t lanes = hn::Lanes(d);
  const auto width = hn::Set(di, static_cast<int32_t>(kernel));
  for (size_t i = 0; i < n; i += lanes) {
    auto value = every<stride>(d, best + i * stride);
    auto at = hn::Mul(every<stride>(di, row + i * stride), width);
    for (size_t j = 1; j < kernel; ++j) {
      const auto next = every<stride>(d, best + i * stride + j);
      const auto next_at = hn::Add(hn::Mul(every<stride>(di, row + i * stride + j), width),
                                   hn::Set(di, static_cast<int32_t>(j)));
      const auto earlier = hn::And(hn::RebindMask(di, hn::Eq(next, value)), hn::Lt(next_at, at));
      const auto take = hn::Or(hn::RebindMask(di, hn::Gt(next, value)), earlier);
      value = hn::IfThenElse(hn::RebindMask(d, take), next, value);
      at = hn::IfThenElse(take, next_at, at);
    }
    hn::StoreU(value, d, out + i);
    hn::StoreU(at, di, place + i);
  }
}

template <size_t stride>
void sums(const float* sum, size_t kernel, float* out, size_t n) {
  const size_t lanes = hn::Lanes(d);
  for (size_t i = 0; i < n; i += lanes) {
    auto value = every<stride>(d, sum + i * stride);
    for (size_t j = 1; j < kernel; ++j)
      value = hn::Add(value, every<stride>(d, sum + i * stride + j));
    hn::StoreU(value, d, out + i);
  }
}

void largest_of_windows(const float* best, size_t kernel, size_t stride, float* out, size_t n) {
  if (stride == 1) return largest<1>(best, kernel, out, n);
  if (stride == 2) return largest<2>(best, kernel, out, n);
  for (size_t i = 0; i < n; ++i) {
    out[i] = best[i * stride];
    larger(best + i * stride, out + i, 1);
    for (size_t j = 1; j < kernel; ++j) larger(best + i * stride + j, out + i, 1);
  }
}

void first_largest_of_windows(const float* best, const int32_t* row, size_t kernel, size_t stride,
                              float* out, int32_t* place, size_t n) {
  if (stride == 1) return first_largest<1>(best, row, kernel, out, place, n);
  if (stride == 2) return first_largest<2>(best, row, kernel, out, place, n);
  const auto width = static_cast<int32_t>(kernel);
  for (size_t i = 0; i < n; ++i) {
    const size_t first = i * stride;
    out[i] = best[first];
    place[i] = row[first] * width;
    for (size_t j = 1; j < kernel; ++j) {
      const int32_t at = row[first + j] * width + static_cast<int32_t>(j);
      if (best[first + j] > out[i] || (best[first + j] == out[i] && at < place[i])) {
        out[i] = best[first + j];
        place[i] = at;
      }
    }
  }
}

void sums_of_windows(const float* sum, size_t kernel, size_t stride, float* out, size_t n) {
  if (stride == 1) return sums<1>(sum, kernel, out, n);
  if (stride == 2) return sums<2>(sum, kernel, out, n);
  for (size_t i = 0; i < n; ++i) {
    out[i] = sum[i * stride];
    for (size_t j = 1; j < kernel; ++j) out[i] += sum[i * stride + j];
  }
}

}  // namespace window_rows

WindowLoops window_loops_table() {
  using namespace window_rows;
  return {larger, larger_with_row, largest_of_windows, first_largest_of_windows,
          add,    sums_of_windows};
}

}  // namespace gemel::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gemel::simd {

HWY_EXPORT(window_loops_table);

const WindowLoops& window_loops() {
  static const WindowLoops table = HWY_DYNAMIC_DISPATCH(window_loops_table)();
  return table;
}

}  // namespace gemel::simd
#endif
