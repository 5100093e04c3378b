// Vector loops, compiled once for each instruction set and chosen at run time.
#include "simd/primitives.h"

#undef HWY_DISABLED_TARGETS
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_AVX3_DL)  // little gain over their neighbours here
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "simd/primitives_vector.cpp"
#include <hwy/foreach_target.h>
//
#include <hwy/highway.h>

#include "simd/vector_loops-inl.h"
#include "simd/vector_math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace gemel::simd::HWY_NAMESPACE {

// X(identifier, value of a vector x): for float and double.
#define GEMEL_VECTOR_UNARY(X)                                                                     \
  X(negative, hn::Neg(x))                                                                         \
  X(abs, hn::Abs(x))                                                                              \
  X(square, hn::Mul(x, x))                                                                        \
  X(sqrt, hn::Sqrt(x))                                                                            \
  X(rsqrt, hn::Div(one, hn::Sqrt(x)))                                                             \
  X(reciprocal, hn::Div(one, x))                                                                  \
  X(sign, hn::Sub(truth(d, hn::Gt(x, zero)), truth(d, hn::Lt(x, zero))))                          \
  X(floor, hn::Floor(x))                                                                          \
  X(ceil, hn::Ceil(x))                                                                            \
  X(trunc, hn::Trunc(x))                                                                          \
  X(round, round_away(d, x))                                                                      \
  X(rint, hn::IfThenElse(hn::Le(hn::Sub(x, hn::Floor(x)), hn::Sub(hn::Ceil(x), x)), hn::Floor(x), \
                         hn::Ceil(x)))                                                            \
  X(relu, hn::IfThenZeroElse(hn::Le(x, zero), x))                                                 \
  X(step, hn::IfThenZeroElse(hn::Le(x, zero), hn::IfThenElse(hn::Gt(x, zero), one, x)))           \
  X(logical_not, truth(d, hn::Eq(x, zero)))                                                       \
  X(softsign, hn::Div(x, hn::Add(one, hn::Abs(x))))

#define GEMEL_VECTOR_BINARY(X)                                          \
  X(add, hn::Add(a, b))                                                 \
  X(subtract, hn::Sub(a, b))                                            \
  X(multiply, hn::Mul(a, b))                                            \
  X(divide, hn::Div(a, b))                                              \
  X(max, hn::IfThenElse(hn::Or(hn::Ge(a, b), hn::IsNaN(a)), a, b))      \
  X(min, hn::IfThenElse(hn::Or(hn::Le(a, b), hn::IsNaN(a)), a, b))      \
  X(equal, truth(d, hn::Eq(a, b)))                                      \
  X(not_equal, truth(d, differs(a, b)))                                 \
  X(greater, truth(d, hn::Gt(a, b)))                                    \
  X(greater_equal, truth(d, hn::Ge(a, b)))                              \
  X(less, truth(d, hn::Lt(a, b)))                                       \
  X(less_equal, truth(d, hn::Le(a, b)))                                 \
  X(logical_and, truth(d, hn::And(differs(a, zero), differs(b, zero)))) \
  X(logical_or, truth(d, hn::Or(differs(a, zero), differs(b, zero))))   \
  X(logical_xor, truth(d, hn::Xor(differs(a, zero), differs(b, zero))))

// Also for int64_t.
#define GEMEL_VECTOR_BINARY_INTEGER(X)       \
  X(add, hn::Add(a, b))                      \
  X(subtract, hn::Sub(a, b))                 \
  X(max, hn::IfThenElse(hn::Gt(a, b), a, b)) \
  X(min, hn::IfThenElse(hn::Gt(b, a), a, b)) \
  X(equal, truth(d, hn::Eq(a, b)))           \
  X(not_equal, truth(d, hn::Ne(a, b)))       \
  X(greater, truth(d, hn::Gt(a, b)))         \
  X(less, truth(d, hn::Lt(a, b)))

#define GEMEL_VECTOR_FLOAT(X)     \
  X(exp, float_exp(d, x))         \
  X(log, float_log(d, x))         \
  X(tanh, float_tanh(d, x))       \
  X(sigmoid, float_sigmoid(d, x)) \
  X(erf, float_erf(d, x))         \
  X(sin, float_sin(d, x))         \
  X(cos, float_cos(d, x))         \
  X(log1p, float_log1p(d, x))     \
  X(log2, float_log2(d, x))       \
  X(log10, float_log10(d, x))     \
  X(expm1, float_expm1(d, x))     \
  X(arctan, float_arctan(d, x))   \
  X(softrelu, float_softrelu(d, x))

template <class D, class M>
HWY_INLINE hn::Vec<D> truth(D d, M mask) {
  return hn::IfThenElseZero(mask, hn::Set(d, 1));
}
// True where either is NaN, which Highway's Ne is not on every CPU.
template <class V>
HWY_INLINE auto differs(V a, V b) {
  return hn::Not(hn::Eq(a, b));
}
template <class D, class V>
HWY_INLINE V round_away(D d, V x) {
  const V whole = hn::Trunc(hn::Abs(x));
  const auto up = hn::Ge(hn::Sub(hn::Abs(x), whole), hn::Set(d, 0.5f));
  return hn::CopySign(hn::Add(whole, hn::IfThenElseZero(up, hn::Set(d, 1))), x);
}

namespace operation {
#define GEMEL_OPERATION(name, value)                                    \
  struct name {                                                         \
    template <class D, class V>                                         \
    HWY_INLINE V operator()(D d, V x) const {                           \
      [[maybe_unused]] const V zero = hn::Zero(d), one = hn::Set(d, 1); \
      return value;                                                     \
    }                                                                   \
  };
GEMEL_VECTOR_UNARY(GEMEL_OPERATION)
GEMEL_VECTOR_FLOAT(GEMEL_OPERATION)
#undef GEMEL_OPERATION
#define GEMEL_OPERATION(name, value)               \
  struct name {                                    \
    template <class D, class V>                    \
    HWY_INLINE V operator()(D d, V a, V b) const { \
      [[maybe_unused]] const V zero = hn::Zero(d); \
      return value;                                \
    }                                              \
  };
GEMEL_VECTOR_BINARY(GEMEL_OPERATION)
namespace integer {
GEMEL_VECTOR_BINARY_INTEGER(GEMEL_OPERATION)
}
#undef GEMEL_OPERATION
struct where {
  template <class D, class V>
  HWY_INLINE V operator()(D d, V a, V b, V c) const {
    return hn::IfThenElse(differs(a, hn::Zero(d)), b, c);
  }
};
struct clip {
  template <class D, class V>
  HWY_INLINE V operator()(D d, V a, V b, V c) const {
    return hn::IfThenElse(hn::Gt(a, c), c, hn::IfThenElse(hn::Lt(a, b), b, a));
  }
};
struct pow {
  template <class D, class V>
  HWY_INLINE V operator()(D d, V a, V b) const {
    return float_pow(d, a, b);
  }
};
// Pairs: the same vector operations as the two by themselves, so the same bits.
struct multiply_add {
  template <class D, class V>
  HWY_INLINE V operator()(D d, V a, V b, V c) const {
    return hn::Add(hn::Mul(a, b), c);
  }
};
struct subtract_product {
  template <class D, class V>
  HWY_INLINE V operator()(D d, V a, V b, V c) const {
    return hn::Sub(c, hn::Mul(a, b));
  }
};
struct subtract_exp_product {
  template <class D, class V>
  HWY_INLINE V operator()(D d, V a, V b, V c) const {
    return hn::Sub(c, float_exp(d, hn::Mul(a, b)));
  }
};
struct relu_multiply {
  template <class D, class V>
  HWY_INLINE V operator()(D d, V a, V b) const {
    return hn::Mul(relu()(d, a), b);
  }
};
struct exp_negative {
  template <class D, class V>
  HWY_INLINE V operator()(D d, V x) const {
    return float_exp(d, hn::Neg(x));
  }
};
struct subtract_exp_negative {
  template <class D, class V>
  HWY_INLINE V operator()(D d, V a, V b) const {
    return hn::Sub(a, float_exp(d, hn::Neg(b)));
  }
};
}  // namespace operation

template <typename T, class F>
void set_binary(Primitives<T>& table, Primitive p) {
  const int i = static_cast<int>(p) - unary_count;
  table.binary[i] = binary_vectors<F, T>;
  table.right_scalar[i] = right_scalar_vectors<F, T>;
  table.left_scalar[i] = left_scalar_vectors<F, T>;
}

template <typename T>
void use_vectors(Primitives<T>& table) {
#define GEMEL_USE(name, value) \
  table.unary[static_cast<int>(Primitive::name)] = unary_vectors<operation::name, T>;
  GEMEL_VECTOR_UNARY(GEMEL_USE)
#undef GEMEL_USE
#define GEMEL_USE(name, value) set_binary<T, operation::name>(table, Primitive::name);
  GEMEL_VECTOR_BINARY(GEMEL_USE)
#undef GEMEL_USE
  table.ternary[0] = ternary_vectors<operation::where, T>;
  table.ternary[1] = ternary_vectors<operation::clip, T>;
  table.multiply_add = ternary_vectors<operation::multiply_add, T>;
  table.add_scaled = scaled_vectors<operation::multiply_add, T>;
  table.subtract_scaled = scaled_vectors<operation::subtract_product, T>;
  table.relu_multiply = right_scalar_vectors<operation::relu_multiply, T>;
}

void use_vectors_float(Primitives<float>& table) {
  use_vectors(table);
#define GEMEL_USE(name, value) \
  table.unary[static_cast<int>(Primitive::name)] = unary_vectors<operation::name, float>;
  GEMEL_VECTOR_FLOAT(GEMEL_USE)
#undef GEMEL_USE
  set_binary<float, operation::pow>(table, Primitive::pow);
  table.exp_negative = unary_vectors<operation::exp_negative, float>;
  table.subtract_exp_scaled = scaled_vectors<operation::subtract_exp_product, float>;
  table.subtract_exp_negative = binary_vectors<operation::subtract_exp_negative, float>;
}
void use_vectors_double(Primitives<double>& table) { use_vectors(table); }
void use_vectors_int64(Primitives<int64_t>& table) {
#define GEMEL_USE(name, value) \
  set_binary<int64_t, operation::integer::name>(table, Primitive::name);
  GEMEL_VECTOR_BINARY_INTEGER(GEMEL_USE)
#undef GEMEL_USE
}

}  // namespace gemel::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include "simd/primitives_scalar.h"

namespace gemel::simd {

HWY_EXPORT(use_vectors_float);
HWY_EXPORT(use_vectors_double);
HWY_EXPORT(use_vectors_int64);

template <>
Primitives<float> choose_primitives<float>() {
  Primitives<float> table = scalar_primitives<float>();
  HWY_DYNAMIC_DISPATCH(use_vectors_float)(table);
  return table;
}
template <>
const Primitives<float>& primitives<float>() {
  static const Primitives<float> table = choose_primitives<float>();
  return table;
}

template <>
Primitives<double> choose_primitives<double>() {
  Primitives<double> table = scalar_primitives<double>();
  HWY_DYNAMIC_DISPATCH(use_vectors_double)(table);
  return table;
}
template <>
const Primitives<double>& primitives<double>() {
  static const Primitives<double> table = choose_primitives<double>();
  return table;
}

template <>
Primitives<int64_t> choose_primitives<int64_t>() {
  Primitives<int64_t> table = scalar_primitives<int64_t>();
  HWY_DYNAMIC_DISPATCH(use_vectors_int64)(table);
  return table;
}
template <>
const Primitives<int64_t>& primitives<int64_t>() {
  static const Primitives<int64_t> table = choose_primitives<int64_t>();
  return table;
}

template <>
Primitives<uint64_t> choose_primitives<uint64_t>() {
  return scalar_primitives<uint64_t>();
}
template <>
const Primitives<uint64_t>& primitives<uint64_t>() {
  static const Primitives<uint64_t> table = choose_primitives<uint64_t>();
  return table;
}

}  // namespace gemel::simd
#endif
