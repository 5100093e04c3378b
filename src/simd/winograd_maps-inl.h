// The one-dimensional maps of Winograd's method between six elements of a window, or fewer of a
// kernel or result, and the six points, on vectors of the compiled instruction set.
#if defined(GEMEL_SIMD_WINOGRAD_MAPS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef GEMEL_SIMD_WINOGRAD_MAPS_INL_H_
#undef GEMEL_SIMD_WINOGRAD_MAPS_INL_H_
#else
#define GEMEL_SIMD_WINOGRAD_MAPS_INL_H_
#endif

#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace gemel::simd::HWY_NAMESPACE {
namespace winograd_maps {
namespace hn = hwy::HWY_NAMESPACE;

using Float = hn::CappedTag<float, 16>;
using Vector = hn::Vec<Float>;

inline constexpr int side = 6;
// The points are 0, a, -a, b, -b and infinity; all these are exact.
inline constexpr float a1 = 0.625f, a2 = a1 * a1, a3 = a1 * a2, a4 = a2 * a2;
inline constexpr float b1 = 1.5f, b2 = b1 * b1, b3 = b1 * b2, b4 = b2 * b2;
// One over the product of a point's distances to the other finite ones.
inline constexpr float scale_zero = 1 / (a2 * b2);
inline constexpr float scale_a = 1 / (2 * a2 * (a2 - b2)), scale_b = 1 / (2 * b2 * (b2 - a2));

HWY_INLINE Vector constant(float value) { return hn::Set(Float(), value); }

// Each map works in place on elements x[0], x[step], ...; `from` of them become `to`.

// The image: values of the polynomials that vanish at all finite points but one.
struct Input {
  static constexpr int from = side, to = side;
  // What is fetched early: the window so many further on, from the column that is new to it.
  static constexpr int ahead = 2, shared = 2;
  template <int step>
  static HWY_INLINE void apply(Vector* x) {
    const Vector x1 = x[step], x2 = x[2 * step], x3 = x[3 * step], x4 = x[4 * step];
    const Vector product = constant(a2 * b2), sum = constant(a2 + b2);
    x[0] = hn::MulAdd(product, x[0], hn::NegMulAdd(sum, x2, x4));
    x[5 * step] = hn::MulAdd(product, x1, hn::NegMulAdd(sum, x3, x[5 * step]));
    Vector even = hn::NegMulAdd(constant(b2), x2, x4);
    Vector odd = hn::Mul(constant(a1), hn::NegMulAdd(constant(b2), x1, x3));
    x[step] = hn::Add(even, odd);
    x[2 * step] = hn::Sub(even, odd);
    even = hn::NegMulAdd(constant(a2), x2, x4);
    odd = hn::Mul(constant(b1), hn::NegMulAdd(constant(a2), x1, x3));
    x[3 * step] = hn::Add(even, odd);
    x[4 * step] = hn::Sub(even, odd);
  }
};

// The polynomial with n coefficients at the points.
template <int n, bool scaled>
struct Evaluate {
  static constexpr int from = n, to = side;
  static constexpr int ahead = 8, shared = 0;
  template <int step>
  static HWY_INLINE void pair(const Vector* x, float p, float scale, Vector& plus, Vector& minus) {
    Vector even = x[0], odd = x[step];
    if constexpr (n >= 5) {
      const Vector square = constant(p * p);
      even = hn::MulAdd(square, hn::MulAdd(square, x[4 * step], x[2 * step]), even);
      odd = hn::MulAdd(square, x[3 * step], odd);
    } else if constexpr (n >= 3) {
      even = hn::MulAdd(constant(p * p), x[2 * step], even);
      if constexpr (n == 4) odd = hn::MulAdd(constant(p * p), x[3 * step], odd);
    }
    odd = hn::Mul(constant(scaled ? p * scale : p), odd);
    if constexpr (scaled) even = hn::Mul(constant(scale), even);
    plus = hn::Add(even, odd);
    minus = hn::Sub(even, odd);
  }
  template <int step>
  static HWY_INLINE void apply(Vector* x) {
    Vector plus_a, minus_a, plus_b, minus_b;
    pair<step>(x, a1, scale_a, plus_a, minus_a);
    pair<step>(x, b1, scale_b, plus_b, minus_b);
    x[5 * step] = x[(n - 1) * step];
    if constexpr (scaled) x[0] = hn::Mul(constant(scale_zero), x[0]);
    x[step] = plus_a;
    x[2 * step] = minus_a;
    x[3 * step] = plus_b;
    x[4 * step] = minus_b;
  }
};

// The transpose of Evaluate.
template <int n, bool scaled>
struct Interpolate {
  static constexpr int from = side, to = n;
  template <int step>
  static HWY_INLINE void apply(Vector* x) {
    Vector sum_a = hn::Add(x[step], x[2 * step]), difference_a = hn::Sub(x[step], x[2 * step]);
    Vector sum_b = hn::Add(x[3 * step], x[4 * step]);
    Vector difference_b = hn::Sub(x[3 * step], x[4 * step]);
    const Vector last = x[5 * step];
    if constexpr (scaled) {
      sum_a = hn::Mul(constant(scale_a), sum_a);
      difference_a = hn::Mul(constant(scale_a), difference_a);
      sum_b = hn::Mul(constant(scale_b), sum_b);
      difference_b = hn::Mul(constant(scale_b), difference_b);
      x[0] = hn::Mul(constant(scale_zero), x[0]);
    }
    x[0] = hn::Add(x[0], hn::Add(sum_a, sum_b));
    x[step] = hn::MulAdd(constant(a1), difference_a, hn::Mul(constant(b1), difference_b));
    if constexpr (n > 2)
      x[2 * step] = hn::MulAdd(constant(a2), sum_a, hn::Mul(constant(b2), sum_b));
    if constexpr (n > 3)
      x[3 * step] = hn::MulAdd(constant(a3), difference_a, hn::Mul(constant(b3), difference_b));
    if constexpr (n > 4)
      x[4 * step] = hn::MulAdd(constant(a4), sum_a, hn::Mul(constant(b4), sum_b));
    x[(n - 1) * step] = hn::Add(x[(n - 1) * step], last);
  }
};

}  // namespace winograd_maps
}  // namespace gemel::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
