#include "simd/row_loops.h"

#include <cmath>
#include <limits>

#include "simd/scalar_math.h"

#undef HWY_DISABLED_TARGETS
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_AVX3_DL)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "simd/row_loops.cpp"
#include <hwy/foreach_target.h>
//
#include <hwy/highway.h>

#include "simd/vector_loops-inl.h"
#include "simd/vector_math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace gemel::simd::HWY_NAMESPACE {
namespace rows {
namespace hn = hwy::HWY_NAMESPACE;

// Adds up term(offset, vector tag) over n elements in four vectors, then the tail one by one.
template <typename T, class Vector, class Scalar>
HWY_INLINE T add_up(size_t n, Vector&& vector_term, Scalar&& scalar_term) {
  const hn::ScalableTag<T> d;
  const size_t lanes = hn::Lanes(d);
  auto s0 = hn::Zero(d), s1 = s0, s2 = s0, s3 = s0;
  size_t i = 0;
  for (; i + 4 * lanes <= n; i += 4 * lanes) {
    s0 = hn::Add(s0, vector_term(d, i));
    s1 = hn::Add(s1, vector_term(d, i + lanes));
    s2 = hn::Add(s2, vector_term(d, i + 2 * lanes));
    s3 = hn::Add(s3, vector_term(d, i + 3 * lanes));
  }
  for (; i + lanes <= n; i += lanes) s0 = hn::Add(s0, vector_term(d, i));
  T total = hn::GetLane(hn::SumOfLanes(d, hn::Add(hn::Add(s0, s1), hn::Add(s2, s3))));
  for (; i < n; ++i) total += scalar_term(i);
  return total;
}

template <typename T, class Vector, class Scalar>
HWY_INLINE void map(size_t n, T* out, Vector&& vector_value, Scalar&& scalar_value) {
  const hn::ScalableTag<T> d;
  const size_t lanes = hn::Lanes(d);
  size_t i = 0;
  for (; i + lanes <= n; i += lanes) hn::StoreU(vector_value(d, i), d, out + i);
  for (; i < n; ++i) out[i] = scalar_value(i);
}

template <typename T>
T sum(const T* x, size_t n) {
  return add_up<T>(
      n, [&](auto d, size_t i) { return hn::LoadU(d, x + i); }, [&](size_t i) { return x[i]; });
}

template <typename T>
T dot(const T* a, const T* b, size_t n) {
  return add_up<T>(
      n, [&](auto d, size_t i) { return hn::Mul(hn::LoadU(d, a + i), hn::LoadU(d, b + i)); },
      [&](size_t i) { return a[i] * b[i]; });
}

template <typename T>
T squared_distance(const T* x, T mean, size_t n) {
  return add_up<T>(
      n,
      [&](auto d, size_t i) {
        const auto v = hn::Sub(hn::LoadU(d, x + i), hn::Set(d, mean));
        return hn::Mul(v, v);
      },
      [&](size_t i) { return (x[i] - mean) * (x[i] - mean); });
}

template <typename T>
T centred_dot(const T* a, const T* x, T mean, size_t n) {
  return add_up<T>(
      n,
      [&](auto d, size_t i) {
        return hn::Mul(hn::LoadU(d, a + i), hn::Sub(hn::LoadU(d, x + i), hn::Set(d, mean)));
      },
      [&](size_t i) { return a[i] * (x[i] - mean); });
}

template <typename T>
void subtract_multiply_add(const T* x, T mean, T scale, T shift, T* out, size_t n) {
  map(
      n, out,
      [&](auto d, size_t i) {
        return hn::Add(hn::Mul(hn::Sub(hn::LoadU(d, x + i), hn::Set(d, mean)), hn::Set(d, scale)),
                       hn::Set(d, shift));
      },
      [&](size_t i) { return (x[i] - mean) * scale + shift; });
}

template <typename T>
void normalize_backward(const T* dy, const T* x, T average, T mean, T slope, T scale, T* out,
                        size_t n) {
  map(
      n, out,
      [&](auto d, size_t i) {
        const auto centred = hn::Sub(hn::LoadU(d, x + i), hn::Set(d, mean));
        const auto head = hn::Sub(hn::LoadU(d, dy + i), hn::Set(d, average));
        return hn::Mul(hn::Sub(head, hn::Mul(centred, hn::Set(d, slope))), hn::Set(d, scale));
      },
      [&](size_t i) { return (dy[i] - average - (x[i] - mean) * slope) * scale; });
}

// Double has no vector code: the library, lane by lane.
template <class D, class V>
HWY_INLINE V exp_of(D d, V x) {
  using T = hn::TFromD<D>;
  if constexpr (std::is_same_v<T, float>) {
    return float_exp(d, x);
  } else {
    T lanes[hn::MaxLanes(D())];
    hn::StoreU(x, d, lanes);
    for (size_t i = 0; i < hn::Lanes(d); ++i) lanes[i] = std::exp(lanes[i]);
    return hn::LoadU(d, lanes);
  }
}

// Calls f(vector of x * factor, offset, number of elements) over the row; lanes behind its end hold
// -infinity.
template <class D, typename T, class F>
HWY_INLINE void each_scaled(D d, const T* x, T factor, size_t n, F&& f) {
  const size_t lanes = hn::Lanes(d);
  const auto scale = hn::Set(d, factor);
  size_t i = 0;
  for (; i + lanes <= n; i += lanes) f(hn::Mul(hn::LoadU(d, x + i), scale), i, lanes);
  if (i == n) return;
  const auto last = hn::Mul(load_tail(d, x + i, n - i), scale);
  f(hn::IfThenElse(hn::FirstN(d, n - i), last, hn::Set(d, -std::numeric_limits<T>::infinity())), i,
    n - i);
}
template <class D, class V, typename T>
HWY_INLINE void store_part(D d, V value, T* to, size_t count) {
  if (count == hn::Lanes(d))
    hn::StoreU(value, d, to);
  else
    store_tail(d, value, to, count);
}

template <bool logarithm, typename T>
HWY_INLINE void softmax_row(const T* x, size_t n, T factor, T* y) {
  if (n == 0) return;
  const hn::ScalableTag<T> d;
  using V = hn::Vec<decltype(d)>;
  V largest = hn::Set(d, -std::numeric_limits<T>::infinity());
  each_scaled(d, x, factor, n,
              [&](V v, size_t, size_t) HWY_ATTR { largest = hn::Max(largest, v); });
  largest = hn::MaxOfLanes(d, largest);
  V sum = hn::Zero(d);
  each_scaled(d, x, factor, n, [&](V v, size_t i, size_t count) HWY_ATTR {
    const V power = exp_of(d, hn::Sub(v, largest));
    sum = hn::Add(sum, power);
    if constexpr (!logarithm) store_part(d, power, y + i, count);
  });
  const T total = hn::GetLane(hn::SumOfLanes(d, sum));
  if constexpr (logarithm) {
    const V shift = hn::Set(d, std::log(total));
    each_scaled(d, x, factor, n, [&](V v, size_t i, size_t count) HWY_ATTR {
      store_part(d, hn::Sub(hn::Sub(v, largest), shift), y + i, count);
    });
  } else {
    each_scaled(d, y, 1 / total, n,
                [&](V v, size_t i, size_t count) HWY_ATTR { store_part(d, v, y + i, count); });
  }
}

template <typename T>
void softmax(const T* x, size_t rows, size_t n, T factor, T* y) {
  for (size_t r = 0; r < rows; ++r) softmax_row<false>(x + r * n, n, factor, y + r * n);
}
template <typename T>
void log_softmax(const T* x, size_t rows, size_t n, T factor, T* y) {
  for (size_t r = 0; r < rows; ++r) softmax_row<true>(x + r * n, n, factor, y + r * n);
}

template <typename T>
void softmax_backward(const T* dy, const T* y, T sum, T factor, T* out, size_t n) {
  map(
      n, out,
      [&](auto d, size_t i) {
        const auto scaled = hn::Mul(hn::Set(d, factor), hn::LoadU(d, y + i));
        return hn::Mul(scaled, hn::Sub(hn::LoadU(d, dy + i), hn::Set(d, sum)));
      },
      [&](size_t i) { return factor * y[i] * (dy[i] - sum); });
}
template <typename T>
void log_softmax_backward(const T* dy, const T* y, T sum, T factor, T* out, size_t n) {
  map(
      n, out,
      [&](auto d, size_t i) {
        const auto share = hn::Mul(exp_of(d, hn::LoadU(d, y + i)), hn::Set(d, sum));
        return hn::Mul(hn::Set(d, factor), hn::Sub(hn::LoadU(d, dy + i), share));
      },
      [&](size_t i) { return factor * (dy[i] - std::exp(y[i]) * sum); });
}

template <typename T>
void normalize_affine(const T* x, T mean, T inverse, const T* gamma, const T* beta, T* out,
                      size_t n) {
  map(
      n, out,
      [&](auto d, size_t i) {
        const auto centred = hn::Sub(hn::LoadU(d, x + i), hn::Set(d, mean));
        const auto scaled = hn::Mul(hn::Mul(centred, hn::Set(d, inverse)), hn::LoadU(d, gamma + i));
        return hn::Add(scaled, hn::LoadU(d, beta + i));
      },
      [&](size_t i) { return (x[i] - mean) * inverse * gamma[i] + beta[i]; });
}

template <typename T>
void normalize_columns(const T* x, const T* mean, const T* scale, const T* shift, T* out,
                       size_t n) {
  map(
      n, out,
      [&](auto d, size_t i) {
        const auto centred = hn::Sub(hn::LoadU(d, x + i), hn::LoadU(d, mean + i));
        return hn::Add(hn::Mul(centred, hn::LoadU(d, scale + i)), hn::LoadU(d, shift + i));
      },
      [&](size_t i) { return (x[i] - mean[i]) * scale[i] + shift[i]; });
}

template <typename T>
void affine_sums(const T* dy, const T* x, const T* gamma, T mean, T* sums, size_t n) {
  const hn::ScalableTag<T> d;
  const size_t lanes = hn::Lanes(d);
  auto s0 = hn::Zero(d), s1 = s0, p0 = s0, p1 = s0;
  const auto centre = hn::Set(d, mean);
  const auto step = [&](size_t i, auto& sum, auto& product) {
    const auto head = hn::Mul(hn::LoadU(d, dy + i), hn::LoadU(d, gamma + i));
    sum = hn::Add(sum, head);
    product = hn::Add(product, hn::Mul(head, hn::Sub(hn::LoadU(d, x + i), centre)));
  };
  size_t i = 0;
  for (; i + 2 * lanes <= n; i += 2 * lanes) {
    step(i, s0, p0);
    step(i + lanes, s1, p1);
  }
  for (; i + lanes <= n; i += lanes) step(i, s0, p0);
  T sum = hn::GetLane(hn::SumOfLanes(d, hn::Add(s0, s1)));
  T product = hn::GetLane(hn::SumOfLanes(d, hn::Add(p0, p1)));
  for (; i < n; ++i) {
    sum += dy[i] * gamma[i];
    product += dy[i] * gamma[i] * (x[i] - mean);
  }
  sums[0] = sum;
  sums[1] = product;
}

template <typename T>
void affine_backward(const T* dy, const T* x, const T* gamma, T mean, T inverse, T average, T slope,
                     T* out, T* dgamma, T* dbeta, size_t n) {
  const hn::ScalableTag<T> d;
  const size_t lanes = hn::Lanes(d);
  const auto centre = hn::Set(d, mean), factor = hn::Set(d, inverse);
  size_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    const auto head = hn::LoadU(d, dy + i);
    const auto centred = hn::Sub(hn::LoadU(d, x + i), centre);
    const auto grown = hn::Mul(head, hn::Mul(centred, factor));
    hn::StoreU(hn::Add(hn::LoadU(d, dgamma + i), grown), d, dgamma + i);
    hn::StoreU(hn::Add(hn::LoadU(d, dbeta + i), head), d, dbeta + i);
    const auto weighted = hn::Sub(hn::Mul(head, hn::LoadU(d, gamma + i)), hn::Set(d, average));
    hn::StoreU(hn::Mul(hn::Sub(weighted, hn::Mul(centred, hn::Set(d, slope))), factor), d, out + i);
  }
  for (; i < n; ++i) {
    const T head = dy[i], centred = x[i] - mean;
    dgamma[i] += head * (centred * inverse);
    dbeta[i] += head;
    out[i] = (head * gamma[i] - average - centred * slope) * inverse;
  }
}

template <typename T>
RowLoops<T> table() {
  return {sum<T>,
          dot<T>,
          squared_distance<T>,
          centred_dot<T>,
          subtract_multiply_add<T>,
          normalize_backward<T>,
          softmax<T>,
          log_softmax<T>,
          softmax_backward<T>,
          log_softmax_backward<T>,
          normalize_affine<T>,
          normalize_columns<T>,
          affine_sums<T>,
          affine_backward<T>};
}

}  // namespace rows

RowLoops<float> row_loops_float() { return rows::table<float>(); }
RowLoops<double> row_loops_double() { return rows::table<double>(); }

}  // namespace gemel::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gemel::simd {

HWY_EXPORT(row_loops_float);
HWY_EXPORT(row_loops_double);

template <>
const RowLoops<float>& row_loops<float>() {
  static const RowLoops<float> table = HWY_DYNAMIC_DISPATCH(row_loops_float)();
  return table;
}
template <>
const RowLoops<double>& row_loops<double>() {
  static const RowLoops<double> table = HWY_DYNAMIC_DISPATCH(row_loops_double)();
  return table;
}

}  // namespace gemel::simd
#endif
