// Vector forms of the float functions that need speed. Included once for each instruction set,
// inside foreach_target. The errors beside the functions are the bounds that
// simd/primitives_test.cpp checks on a sample of all floats, not proofs.
#if defined(GEMEL_SIMD_VECTOR_MATH_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef GEMEL_SIMD_VECTOR_MATH_INL_H_
#undef GEMEL_SIMD_VECTOR_MATH_INL_H_
#else
#define GEMEL_SIMD_VECTOR_MATH_INL_H_
#endif

#include <hwy/contrib/math/math-inl.h>
#include <hwy/highway.h>

#include "simd/scalar_math.h"

HWY_BEFORE_NAMESPACE();
namespace gemel::simd::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// c0 + x (c1 + x (c2 + ...)).
template <class D, class V>
HWY_INLINE V polynomial(D d, V x, float last) {
  return hn::Set(d, last);
}
template <class D, class V, typename... Rest>
HWY_INLINE V polynomial(D d, V x, float first, Rest... rest) {
  return hn::MulAdd(polynomial(d, x, rest...), x, hn::Set(d, first));
}

// 2^n for whole n in [-126, 127].
template <class D, class VI>
HWY_INLINE hn::Vec<D> power_of_two(D d, VI n) {
  const hn::RebindToSigned<D> di;
  return hn::BitCast(d, hn::ShiftLeft<23>(hn::Add(n, hn::Set(di, 127))));
}

// value * 2^n for whole n in [-151, 129], rounded once.
template <class D, class V>
HWY_INLINE V scaled_by_power(D d, V value, V n) {
#if HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_AVX3_DL
  if constexpr (hn::MaxLanes(D()) == 16)
    return V{_mm512_scalef_ps(value.raw, n.raw)};
  else if constexpr (hn::MaxLanes(D()) == 8)
    return V{_mm256_scalef_ps(value.raw, n.raw)};
  else
    return V{_mm_scalef_ps(value.raw, n.raw)};
#else
  // In two factors: the whole power may be too large or too small for a float.
  const auto whole = hn::ConvertTo(hn::RebindToSigned<D>(), n);
  const auto half = hn::ShiftRight<1>(whole);
  return hn::Mul(hn::Mul(value, power_of_two(d, half)), power_of_two(d, hn::Sub(whole, half)));
#endif
}

// 1 ulp, denormal results included.
template <class D, class V>
HWY_INLINE V float_exp(D d, V x) {
  const V bounded = hn::Max(hn::Min(x, hn::Set(d, 89.0f)), hn::Set(d, -104.5f));
  const V n = hn::Round(hn::Mul(bounded, hn::Set(d, 1.44269504f)));
  V r = hn::NegMulAdd(n, hn::Set(d, 0.693359375f), bounded);
  r = hn::NegMulAdd(n, hn::Set(d, -2.12194440e-4f), r);
  const V q = polynomial(d, r, 5.000000083e-01f, 1.666666687e-01f, 4.166625376e-02f,
                         8.333262638e-03f, 1.394722492e-03f, 1.991937989e-04f);
  const V value = hn::Add(hn::MulAdd(q, hn::Mul(r, r), r), hn::Set(d, 1.0f));
  return hn::IfThenElse(hn::IsNaN(x), x, scaled_by_power(d, value, n));
}

// 1 ulp.
template <class D, class V>
HWY_INLINE V float_log(D d, V x) {
  const hn::RebindToSigned<D> di;
  const auto tiny = hn::Lt(x, hn::Set(d, 1.17549435e-38f));
  const V normal = hn::IfThenElse(tiny, hn::Mul(x, hn::Set(d, 8388608.0f)), x);
  const auto bits = hn::BitCast(di, normal);
  const auto shifted = hn::Sub(bits, hn::Set(di, 0x3f3504f3));  // sqrt(1/2) begins the binade
  const auto exponent = hn::ShiftRight<23>(shifted);
  const V e = hn::Sub(hn::ConvertTo(d, exponent), hn::IfThenElseZero(tiny, hn::Set(d, 23.0f)));
  const V m = hn::BitCast(d, hn::Sub(bits, hn::ShiftLeft<23>(exponent)));
  const V f = hn::Sub(m, hn::Set(d, 1.0f));
  const V square = hn::Mul(f, f);
  const V cubic = hn::Mul(hn::Mul(square, f),
                          polynomial(d, f, 3.333331044e-01f, -2.499998660e-01f, 2.000222661e-01f,
                                     -1.666925082e-01f, 1.421865809e-01f, -1.238434847e-01f,
                                     1.187297629e-01f, -1.178980770e-01f, 6.915368069e-02f));
  V low = hn::MulAdd(e, hn::Set(d, -2.12194440e-4f), cubic);
  low = hn::NegMulAdd(square, hn::Set(d, 0.5f), low);
  V value = hn::MulAdd(e, hn::Set(d, 0.693359375f), hn::Add(f, low));
  const V infinity = hn::Inf(d);
  value = hn::IfThenElse(hn::Eq(x, infinity), infinity, value);
  value = hn::IfThenElse(hn::Eq(x, hn::Zero(d)), hn::Neg(infinity), value);
  return hn::IfThenElse(hn::Ge(x, hn::Zero(d)), value, hn::NaN(d));
}

// 1.5 ulp.
template <class D, class V>
HWY_INLINE V float_tanh(D d, V x) {
  const V magnitude = hn::Abs(x), one = hn::Set(d, 1.0f);
  const V t = hn::Mul(x, x);
  const V near =
      hn::MulAdd(hn::Mul(polynomial(d, t, -3.333332961e-01f, 1.333315789e-01f, -5.394056277e-02f,
                                    2.166634506e-02f, -8.091964408e-03f, 2.064662055e-03f),
                         t),
                 x, x);
  const V power = float_exp(d, hn::Add(magnitude, magnitude));
  const V far = hn::Sub(one, hn::Div(hn::Set(d, 2.0f), hn::Add(power, one)));
  return hn::CopySign(hn::IfThenElse(hn::Lt(magnitude, hn::Set(d, 0.625f)), near, far), x);
}

// 2.5 ulp.
template <class D, class V>
HWY_INLINE V float_sigmoid(D d, V x) {
  const V one = hn::Set(d, 1.0f);
  const V power = float_exp(d, hn::Neg(hn::Abs(x)));  // never overflows, keeps small results
  return hn::Div(hn::IfThenElse(hn::Lt(x, hn::Zero(d)), power, one), hn::Add(one, power));
}

// 1.5 ulp.
template <class D, class V>
HWY_INLINE V float_erf(D d, V x) {
  const V magnitude = hn::Abs(x), one = hn::Set(d, 1.0f);
  const V t = hn::Mul(x, x);
  const V near = hn::MulAdd(
      polynomial(d, t, 1.283791664e-01f, -3.761263161e-01f, 1.128366400e-01f, -2.685770507e-02f,
                 5.196952023e-03f, -8.097702740e-04f, 8.185090818e-05f),
      x, x);
  const V bounded = hn::Min(magnitude, hn::Set(d, 4.0f));  // erf(4) rounds to 1
  const V logarithm = polynomial(d, bounded, -1.692051192e-04f, 1.129488406e+00f, 6.334008510e-01f,
                                 1.082203839e-01f, -2.508061640e-02f, 4.156254875e-03f,
                                 -4.313935564e-04f, 2.082861754e-05f);
  const V far = hn::Sub(one, float_exp(d, hn::Neg(logarithm)));
  const V value = hn::IfThenElse(hn::Lt(magnitude, hn::Set(d, 0.92f)), near, hn::CopySign(far, x));
  return hn::IfThenElse(hn::IsNaN(x), x, value);
}

// f of float vectors in double, half a vector at a time, rounded once: half an ulp and a little.
template <class D, class F, class... V>
HWY_INLINE hn::Vec<D> in_double(D d, F f, V... x) {
#if HWY_TARGET == HWY_SCALAR
  const hn::Rebind<double, D> wide;
  return hn::DemoteTo(d, f(wide, hn::PromoteTo(wide, x)...));
#else
  const hn::Repartition<double, D> wide;
  const hn::Half<D> half;
  const auto low = f(wide, hn::PromoteTo(wide, hn::LowerHalf(half, x))...);
  const auto high = f(wide, hn::PromoteTo(wide, hn::UpperHalf(half, x))...);
  return hn::Combine(d, hn::DemoteTo(half, high), hn::DemoteTo(half, low));
#endif
}

// `value` where `inside` holds; the other lanes, which the vector code does not cover, by the
// scalar function. The choice is each lane's own, so a value does not depend on its neighbours.
template <Primitive P, class D, class V, class M>
HWY_INLINE V or_scalar(D d, M inside, V value, V x) {
  if (HWY_LIKELY(hn::AllTrue(d, inside))) return value;
  alignas(64) float values[hn::MaxLanes(D())], arguments[hn::MaxLanes(D())],
      flags[hn::MaxLanes(D())];
  hn::Store(value, d, values);
  hn::Store(x, d, arguments);
  hn::Store(hn::IfThenElseZero(inside, hn::Set(d, 1.0f)), d, flags);
  for (size_t i = 0; i < hn::Lanes(d); ++i)
    if (flags[i] == 0) values[i] = unary<P>(arguments[i]);
  return hn::Load(d, values);
}

// |x| below `limit`, which NaN is not.
template <class D, class V>
HWY_INLINE auto within(D d, V x, float limit) {
  return hn::Lt(hn::Abs(x), hn::Set(d, limit));
}
template <class D, class V>
HWY_INLINE auto positive_finite(D d, V x) {
  return hn::And(hn::Gt(x, hn::Zero(d)), hn::Lt(x, hn::Inf(d)));
}

template <class D, class V>
HWY_INLINE V float_sin(D d, V x) {
  const V value = in_double(
      d, [](auto w, auto v) HWY_ATTR { return hn::Sin(w, v); }, x);
  // A tiny sine is its argument, whose sign a reduction may lose at zero.
  const V safe = hn::IfThenElse(within(d, x, 1e-4f), x, value);
  return or_scalar<Primitive::sin>(d, within(d, x, 30000.0f), safe, x);
}
template <class D, class V>
HWY_INLINE V float_cos(D d, V x) {
  const V value = in_double(
      d, [](auto w, auto v) HWY_ATTR { return hn::Cos(w, v); }, x);
  return or_scalar<Primitive::cos>(d, within(d, x, 30000.0f), value, x);
}
template <class D, class V>
HWY_INLINE V float_log1p(D d, V x) {
  const V value = in_double(
      d, [](auto w, auto v) HWY_ATTR { return hn::Log1p(w, v); }, x);
  const V safe = hn::IfThenElse(within(d, x, 1e-20f), x, value);
  const auto inside = hn::And(hn::Gt(x, hn::Set(d, -1.0f)), hn::Lt(x, hn::Inf(d)));
  return or_scalar<Primitive::log1p>(d, inside, safe, x);
}
template <class D, class V>
HWY_INLINE V float_log2(D d, V x) {
  const V value = in_double(
      d, [](auto w, auto v) HWY_ATTR { return hn::Log2(w, v); }, x);
  return or_scalar<Primitive::log2>(d, positive_finite(d, x), value, x);
}
template <class D, class V>
HWY_INLINE V float_log10(D d, V x) {
  const V value = in_double(
      d, [](auto w, auto v) HWY_ATTR { return hn::Log10(w, v); }, x);
  return or_scalar<Primitive::log10>(d, positive_finite(d, x), value, x);
}
template <class D, class V>
HWY_INLINE V float_expm1(D d, V x) {
  const V value = in_double(
      d, [](auto w, auto v) HWY_ATTR { return hn::Expm1(w, v); }, x);
  const V safe = hn::IfThenElse(within(d, x, 1e-20f), x, value);
  return or_scalar<Primitive::expm1>(d, within(d, x, 80.0f), safe, x);
}
template <class D, class V>
HWY_INLINE V float_arctan(D d, V x) {
  const V value = in_double(
      d, [](auto w, auto v) HWY_ATTR { return hn::Atan(w, v); }, x);
  const V safe = hn::IfThenElse(within(d, x, 1e-20f), x, value);
  return or_scalar<Primitive::arctan>(d, within(d, x, 1e30f), safe, x);
}
template <class D, class V>
HWY_INLINE V float_softrelu(D d, V x) {
  const V value = in_double(
      d,
      [](auto w, auto v) HWY_ATTR {
        const auto power = hn::Exp(w, hn::Neg(hn::Abs(v)));
        return hn::Add(hn::Log1p(w, power), hn::Max(v, hn::Zero(w)));
      },
      x);
  return or_scalar<Primitive::softrelu>(d, within(d, x, 80.0f), value, x);
}

// exp(b log|a|) in double, with the sign of odd whole powers; poles, NaN and infinities by the
// library.
template <class D, class V>
HWY_INLINE V float_pow(D d, V a, V b) {
  const V zero = hn::Zero(d), magnitude = hn::Abs(a);
  const V value = in_double(
      d,
      [](auto w, auto base, auto exponent) HWY_ATTR {
        const auto power = hn::Mul(exponent, hn::Log(w, base));
        return hn::Exp(w, hn::Max(hn::Min(power, hn::Set(w, 200.0)), hn::Set(w, -200.0)));
      },
      magnitude, b);
  const V half = hn::Mul(b, hn::Set(d, 0.5f));
  const auto odd = hn::Ne(hn::Trunc(half), half);  // where b is whole
  const V signed_value = hn::IfThenElse(odd, hn::CopySign(value, a), value);
  const auto whole = hn::Eq(hn::Trunc(b), b);
  const auto inside = hn::And(hn::And(within(d, b, 1e30f), positive_finite(d, magnitude)),
                              hn::Or(hn::Gt(a, zero), whole));
  if (HWY_LIKELY(hn::AllTrue(d, inside))) return signed_value;
  alignas(64) float values[hn::MaxLanes(D())], bases[hn::MaxLanes(D())],
      exponents[hn::MaxLanes(D())], flags[hn::MaxLanes(D())];
  hn::Store(signed_value, d, values);
  hn::Store(a, d, bases);
  hn::Store(b, d, exponents);
  hn::Store(hn::IfThenElseZero(inside, hn::Set(d, 1.0f)), d, flags);
  for (size_t i = 0; i < hn::Lanes(d); ++i)
    if (flags[i] == 0) values[i] = binary<Primitive::pow>(bases[i], exponents[i]);
  return hn::Load(d, values);
}

}  // namespace gemel::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
