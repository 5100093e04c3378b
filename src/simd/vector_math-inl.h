// Vector forms of the float functions that need speed. Included once for each instruction set, inside
// foreach_target. Errors stand beside the functions, against the exact value, for every float input.
#if defined(GEMEL_SIMD_VECTOR_MATH_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef GEMEL_SIMD_VECTOR_MATH_INL_H_
#undef GEMEL_SIMD_VECTOR_MATH_INL_H_
#else
#define GEMEL_SIMD_VECTOR_MATH_INL_H_
#endif

#include <hwy/highway.h>

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

// 1 ulp, denormal results included.
template <class D, class V>
HWY_INLINE V float_exp(D d, V x) {
  const hn::RebindToSigned<D> di;
  const V bounded = hn::Max(hn::Min(x, hn::Set(d, 89.0f)), hn::Set(d, -104.5f));
  const V n = hn::Round(hn::Mul(bounded, hn::Set(d, 1.44269504f)));
  V r = hn::NegMulAdd(n, hn::Set(d, 0.693359375f), bounded);
  r = hn::NegMulAdd(n, hn::Set(d, -2.12194440e-4f), r);
  const V q = polynomial(d, r, 5.000000083e-01f, 1.666666687e-01f, 4.166625376e-02f, 8.333262638e-03f,
                         1.394722492e-03f, 1.991937989e-04f);
  const V value = hn::Add(hn::MulAdd(q, hn::Mul(r, r), r), hn::Set(d, 1.0f));
  // In two factors: the whole power may be too large or too small for a float.
  const auto whole = hn::ConvertTo(di, n);
  const auto half = hn::ShiftRight<1>(whole);
  const V scaled = hn::Mul(hn::Mul(value, power_of_two(d, half)), power_of_two(d, hn::Sub(whole, half)));
  return hn::IfThenElse(hn::IsNaN(x), x, scaled);
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
  const V e = hn::Sub(hn::ConvertTo(d, exponent),
                      hn::IfThenElseZero(tiny, hn::Set(d, 23.0f)));
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
  const V near = hn::MulAdd(hn::Mul(polynomial(d, t, -3.333332961e-01f, 1.333315789e-01f,
                                               -5.394056277e-02f, 2.166634506e-02f,
                                               -8.091964408e-03f, 2.064662055e-03f), t), x, x);
  const V power = float_exp(d, hn::Add(magnitude, magnitude));
  const V far = hn::Sub(one, hn::Div(hn::Set(d, 2.0f), hn::Add(power, one)));
  return hn::IfThenElse(hn::Lt(magnitude, hn::Set(d, 0.625f)), near, hn::CopySign(far, x));
}

// 2.5 ulp; 0 below -88.7.
template <class D, class V>
HWY_INLINE V float_sigmoid(D d, V x) {
  const V one = hn::Set(d, 1.0f);
  return hn::Div(one, hn::Add(one, float_exp(d, hn::Neg(x))));
}

// 1.5 ulp.
template <class D, class V>
HWY_INLINE V float_erf(D d, V x) {
  const V magnitude = hn::Abs(x), one = hn::Set(d, 1.0f);
  const V t = hn::Mul(x, x);
  const V near = hn::MulAdd(polynomial(d, t, 1.283791664e-01f, -3.761263161e-01f, 1.128366400e-01f,
                                       -2.685770507e-02f, 5.196952023e-03f, -8.097702740e-04f,
                                       8.185090818e-05f), x, x);
  const V bounded = hn::Min(magnitude, hn::Set(d, 4.0f));  // erf(4) rounds to 1
  const V logarithm = polynomial(d, bounded, -1.692051192e-04f, 1.129488406e+00f, 6.334008510e-01f,
                                 1.082203839e-01f, -2.508061640e-02f, 4.156254875e-03f,
                                 -4.313935564e-04f, 2.082861754e-05f);
  const V far = hn::Sub(one, float_exp(d, hn::Neg(logarithm)));
  const V value = hn::IfThenElse(hn::Lt(magnitude, hn::Set(d, 0.92f)), near, hn::CopySign(far, x));
  return hn::IfThenElse(hn::IsNaN(x), x, value);
}

}  // namespace gemel::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
