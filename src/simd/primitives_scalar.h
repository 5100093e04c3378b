// Fills a table with plain loops over simd/scalar_math.h; vector code then replaces what it has.
#pragma once
#include "simd/primitives.h"
#include "simd/scalar_math.h"

namespace gemel::simd {

template <Primitive P, typename T>
void unary_loop(const T* a, T* out, size_t n) {
  for (size_t i = 0; i < n; ++i) out[i] = unary<P>(a[i]);
}
template <Primitive P, typename T>
void binary_loop(const T* a, const T* b, T* out, size_t n) {
  for (size_t i = 0; i < n; ++i) out[i] = binary<P>(a[i], b[i]);
}
template <Primitive P, typename T>
void right_scalar_loop(const T* a, T b, T* out, size_t n) {
  for (size_t i = 0; i < n; ++i) out[i] = binary<P>(a[i], b);
}
template <Primitive P, typename T>
void left_scalar_loop(const T* a, T b, T* out, size_t n) {
  for (size_t i = 0; i < n; ++i) out[i] = binary<P>(b, a[i]);
}
template <Primitive P, typename T>
void ternary_loop(const T* a, const T* b, const T* c, T* out, size_t n) {
  for (size_t i = 0; i < n; ++i) out[i] = ternary<P>(a[i], b[i], c[i]);
}

template <typename T>
Primitives<T> scalar_primitives() {
  Primitives<T> table{};
  using enum Primitive;
  int i = 0;
#define GEMEL_FILL(name, text) table.unary[i++] = unary_loop<name, T>;
  GEMEL_UNARY_PRIMITIVES(GEMEL_FILL)
#undef GEMEL_FILL
  i = 0;
#define GEMEL_FILL(name, text)                        \
  table.binary[i] = binary_loop<name, T>;             \
  table.right_scalar[i] = right_scalar_loop<name, T>; \
  table.left_scalar[i++] = left_scalar_loop<name, T>;
  GEMEL_BINARY_PRIMITIVES(GEMEL_FILL)
#undef GEMEL_FILL
  i = 0;
#define GEMEL_FILL(name, text) table.ternary[i++] = ternary_loop<name, T>;
  GEMEL_TERNARY_PRIMITIVES(GEMEL_FILL)
#undef GEMEL_FILL
  table.multiply_add = [](const T* a, const T* b, const T* c, T* out, size_t n) {
    for (size_t k = 0; k < n; ++k) out[k] = binary<add>(binary<multiply>(a[k], b[k]), c[k]);
  };
  table.add_scaled = [](const T* a, T scale, const T* b, T* out, size_t n) {
    for (size_t i = 0; i < n; ++i)
      out[i] = binary<Primitive::add>(binary<Primitive::multiply>(scale, a[i]), b[i]);
  };
  table.subtract_scaled = [](const T* a, T scale, const T* b, T* out, size_t n) {
    for (size_t i = 0; i < n; ++i)
      out[i] = binary<Primitive::subtract>(b[i], binary<Primitive::multiply>(scale, a[i]));
  };
  table.relu_multiply = [](const T* a, T b, T* out, size_t n) {
    for (size_t k = 0; k < n; ++k) out[k] = binary<multiply>(unary<relu>(a[k]), b);
  };
  table.subtract_exp_negative = [](const T* a, const T* b, T* out, size_t n) {
    for (size_t k = 0; k < n; ++k)
      out[k] = binary<subtract>(a[k], unary<exp>(unary<negative>(b[k])));
  };
  table.subtract_exp_scaled = [](const T* a, T scale, const T* b, T* out, size_t n) {
    for (size_t i = 0; i < n; ++i)
      out[i] = binary<subtract>(b[i], unary<exp>(binary<multiply>(scale, a[i])));
  };
  table.exp_negative = [](const T* a, T* out, size_t n) {
    for (size_t k = 0; k < n; ++k) out[k] = unary<exp>(unary<negative>(a[k]));
  };
  return table;
}

}  // namespace gemel::simd
