#include "simd/column_loops.h"

#include <type_traits>

#undef HWY_DISABLED_TARGETS
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_AVX3_DL)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "simd/column_loops.cpp"
#include <hwy/foreach_target.h>
//
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace gemel::simd::HWY_NAMESPACE {
namespace column_sums {
namespace hn = hwy::HWY_NAMESPACE;

// term(row) of `rows` rows, added two by two.
template <size_t rows, class Term>
HWY_INLINE auto joined(const Term& term, size_t first) {
  if constexpr (rows == 1)
    return term(first);
  else
    return hn::Add(joined<rows / 2>(term, first), joined<rows / 2>(term, first + rows / 2));
}

template <class D, class V>
HWY_INLINE void add_to(D d, V value, double* to) {
  if constexpr (std::is_same_v<hn::TFromD<D>, double>)
    hn::StoreU(hn::Add(hn::LoadU(d, to), value), d, to);
  else {
    const hn::Rebind<double, D> wide;
    hn::StoreU(hn::Add(hn::LoadU(wide, to), hn::PromoteTo(wide, value)), wide, to);
  }
}

// Calls step(tag, first row, constant number of rows, column) over the rows and columns: with as
// many lanes as a vector of double has, then with one.
template <typename T, class Step>
HWY_INLINE void each_part(size_t rows, size_t n, const Step& step) {
  const hn::ScalableTag<double> wide;
  const hn::Rebind<T, decltype(wide)> d;
  const hn::CappedTag<double, 1> one_wide;
  const hn::Rebind<T, decltype(one_wide)> one;
  const auto columns = [&](size_t row, auto count) HWY_ATTR {
    size_t i = 0;
    for (; i + hn::Lanes(d) <= n; i += hn::Lanes(d)) step(d, row, count, i);
    for (; i < n; ++i) step(one, row, count, i);
  };
  size_t row = 0;
  for (; row + 8 <= rows; row += 8) columns(row, std::integral_constant<size_t, 8>());
  for (; row < rows; ++row) columns(row, std::integral_constant<size_t, 1>());
}

template <typename T>
void add_distances(const T* x, const T* centre, size_t stride, size_t rows, double* sum, size_t n) {
  each_part<T>(rows, n, [&](auto d, size_t row, auto count, size_t i) HWY_ATTR {
    const auto middle = hn::LoadU(d, centre + i);
    const auto distance = [&](size_t r) HWY_ATTR {
      return hn::Sub(hn::LoadU(d, x + r * stride + i), middle);
    };
    add_to(d, joined<count()>(distance, row), sum + i);
  });
}

template <typename T>
void add_squared_distances(const T* x, const T* centre, size_t stride, size_t rows, double* sum,
                           size_t n) {
  each_part<T>(rows, n, [&](auto d, size_t row, auto count, size_t i) HWY_ATTR {
    const auto middle = hn::LoadU(d, centre + i);
    const auto square = [&](size_t r) HWY_ATTR {
      const auto distance = hn::Sub(hn::LoadU(d, x + r * stride + i), middle);
      return hn::Mul(distance, distance);
    };
    add_to(d, joined<count()>(square, row), sum + i);
  });
}

template <typename T>
void add_centred_products(const T* dy, const T* x, const T* centre, size_t stride, size_t rows,
                          double* sum, double* product, size_t n) {
  each_part<T>(rows, n, [&](auto d, size_t row, auto count, size_t i) HWY_ATTR {
    const auto middle = hn::LoadU(d, centre + i);
    const auto head = [&](size_t r) HWY_ATTR { return hn::LoadU(d, dy + r * stride + i); };
    const auto term = [&](size_t r) HWY_ATTR {
      return hn::Mul(head(r), hn::Sub(hn::LoadU(d, x + r * stride + i), middle));
    };
    add_to(d, joined<count()>(head, row), sum + i);
    add_to(d, joined<count()>(term, row), product + i);
  });
}

template <typename T>
void normalize_backward(const T* dy, const T* x, const T* average, const T* mean, const T* slope,
                        const T* scale, T* out, size_t n) {
  const auto step = [&](auto d, size_t i) HWY_ATTR {
    const auto centred = hn::Sub(hn::LoadU(d, x + i), hn::LoadU(d, mean + i));
    const auto head = hn::Sub(hn::LoadU(d, dy + i), hn::LoadU(d, average + i));
    const auto moved = hn::Sub(head, hn::Mul(centred, hn::LoadU(d, slope + i)));
    hn::StoreU(hn::Mul(moved, hn::LoadU(d, scale + i)), d, out + i);
  };
  const hn::ScalableTag<T> d;
  const hn::CappedTag<T, 1> one;
  size_t i = 0;
  for (; i + hn::Lanes(d) <= n; i += hn::Lanes(d)) step(d, i);
  for (; i < n; ++i) step(one, i);
}

template <typename T>
ColumnLoops<T> table() {
  return {add_distances<T>, add_squared_distances<T>, add_centred_products<T>,
          normalize_backward<T>};
}

}  // namespace column_sums

ColumnLoops<float> column_loops_float() { return column_sums::table<float>(); }
ColumnLoops<double> column_loops_double() { return column_sums::table<double>(); }

}  // namespace gemel::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gemel::simd {

HWY_EXPORT(column_loops_float);
HWY_EXPORT(column_loops_double);

template <>
const ColumnLoops<float>& column_loops<float>() {
  static const ColumnLoops<float> table = HWY_DYNAMIC_DISPATCH(column_loops_float)();
  return table;
}
template <>
const ColumnLoops<double>& column_loops<double>() {
  static const ColumnLoops<double> table = HWY_DYNAMIC_DISPATCH(column_loops_double)();
  return table;
}

}  // namespace gemel::simd
#endif
