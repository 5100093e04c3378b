// Vector loops for the scalar primitives, chosen once for the CPU at hand. T is float, double,
// int64_t or uint64_t. Every loop is elementwise: `out` may be one of its inputs, and an element's
// value depends neither on its position nor on n (tails run through the same vector arithmetic).
#pragma once
#include <cstddef>
#include <cstdint>

#include "simd/primitive.h"

namespace gemel::simd {

template <typename T>
struct Primitives {
  using Unary = void (*)(const T* a, T* out, size_t n);
  using Binary = void (*)(const T* a, const T* b, T* out, size_t n);
  using BinaryScalar = void (*)(const T* a, T b, T* out, size_t n);
  using Ternary = void (*)(const T* a, const T* b, const T* c, T* out, size_t n);
  using Scaled = void (*)(const T* a, T scale, const T* b, T* out, size_t n);

  Unary unary[unary_count];
  Binary binary[binary_count];
  BinaryScalar right_scalar[binary_count];  // op(a[i], b)
  BinaryScalar left_scalar[binary_count];   // op(b, a[i])
  Ternary ternary[ternary_count];

  // Two primitives in one pass, with the very bits of the two passes.
  Ternary multiply_add;          // a * b + c, rounded twice
  Scaled add_scaled;             // scale * a + b, rounded twice
  Scaled subtract_scaled;        // b - scale * a, rounded twice
  Scaled subtract_exp_scaled;    // b - exp(scale * a)
  BinaryScalar relu_multiply;    // relu(a) * b
  Binary subtract_exp_negative;  // a - exp(-b)
  Unary exp_negative;            // exp(-a)

  Unary of_unary(Primitive p) const { return unary[static_cast<int>(p)]; }
  Binary of_binary(Primitive p) const { return binary[static_cast<int>(p) - unary_count]; }
  BinaryScalar of_right_scalar(Primitive p) const {
    return right_scalar[static_cast<int>(p) - unary_count];
  }
  BinaryScalar of_left_scalar(Primitive p) const {
    return left_scalar[static_cast<int>(p) - unary_count];
  }
  Ternary of_ternary(Primitive p) const {
    return ternary[static_cast<int>(p) - unary_count - binary_count];
  }
};

// Builds the table for the best instruction set that Highway currently allows.
template <typename T>
Primitives<T> choose_primitives();
template <>
Primitives<float> choose_primitives<float>();
template <>
Primitives<double> choose_primitives<double>();
template <>
Primitives<int64_t> choose_primitives<int64_t>();
template <>
Primitives<uint64_t> choose_primitives<uint64_t>();  // plain loops: a rare type

// The table in use. Safe from any thread; built on first use.
template <typename T>
const Primitives<T>& primitives();
template <>
const Primitives<float>& primitives<float>();
template <>
const Primitives<double>& primitives<double>();
template <>
const Primitives<int64_t>& primitives<int64_t>();
template <>
const Primitives<uint64_t>& primitives<uint64_t>();

}  // namespace gemel::simd
