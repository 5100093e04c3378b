// The scalar primitives that every pointwise function is made of. Truth values are 0 and 1 in the
// type of computation. Where a function has a choice it does what MXNet 1.9.1 does: see
// simd/scalar_math.h, which states each primitive in one line.
#pragma once
#include <cstdint>
#include <string_view>

namespace gemel::simd {

// clang-format off
// X(identifier, text): the text names the primitive in expressions.
#define GEMEL_UNARY_PRIMITIVES(X)                                                                 \
  X(negative, "neg") X(exp, "exp") X(log, "log") X(log2, "log2") X(log10, "log10")                \
  X(log1p, "log1p") X(expm1, "expm1") X(sqrt, "sqrt") X(rsqrt, "rsqrt") X(cbrt, "cbrt")           \
  X(square, "square") X(abs, "abs") X(sign, "sign") X(floor, "floor") X(ceil, "ceil")             \
  X(round, "round") X(rint, "rint") X(trunc, "trunc") X(tanh, "tanh") X(sinh, "sinh")             \
  X(cosh, "cosh") X(sin, "sin") X(cos, "cos") X(tan, "tan") X(arcsin, "arcsin")                   \
  X(arccos, "arccos") X(arctan, "arctan") X(arcsinh, "arcsinh") X(arccosh, "arccosh")             \
  X(arctanh, "arctanh") X(sigmoid, "sigmoid") X(relu, "relu") X(step, "step") X(erf, "erf")       \
  X(erfinv, "erfinv") X(gamma, "gamma") X(gammaln, "gammaln") X(digamma, "digamma")               \
  X(trigamma, "trigamma") X(logical_not, "logical_not") X(reciprocal, "reciprocal")               \
  X(softsign, "softsign") X(softrelu, "softrelu")
#define GEMEL_BINARY_PRIMITIVES(X)                                                                \
  X(add, "add") X(subtract, "sub") X(multiply, "mul") X(divide, "div") X(max, "max")              \
  X(min, "min") X(pow, "pow") X(mod, "mod") X(hypot, "hypot") X(atan2, "atan2")                   \
  X(equal, "equal") X(not_equal, "not_equal") X(greater, "greater")                               \
  X(greater_equal, "greater_equal") X(less, "less") X(less_equal, "less_equal")                   \
  X(logical_and, "logical_and") X(logical_or, "logical_or") X(logical_xor, "logical_xor")
#define GEMEL_TERNARY_PRIMITIVES(X) X(where, "where") X(clip, "clip")
// clang-format on

enum class Primitive : uint8_t {
#define GEMEL_NAME(name, text) name,
  GEMEL_UNARY_PRIMITIVES(GEMEL_NAME) GEMEL_BINARY_PRIMITIVES(GEMEL_NAME)
      GEMEL_TERNARY_PRIMITIVES(GEMEL_NAME)
#undef GEMEL_NAME
};

inline constexpr int unary_count = static_cast<int>(Primitive::add);
inline constexpr int binary_count = static_cast<int>(Primitive::where) - unary_count;
inline constexpr int ternary_count = 2;
inline constexpr int primitive_count = unary_count + binary_count + ternary_count;

// Number of operands: 1, 2 or 3.
inline constexpr int arity(Primitive p) {
  return p < Primitive::add ? 1 : p < Primitive::where ? 2 : 3;
}

inline constexpr std::string_view name_of(Primitive p) {
  constexpr std::string_view names[] = {
#define GEMEL_NAME(name, text) text,
      GEMEL_UNARY_PRIMITIVES(GEMEL_NAME) GEMEL_BINARY_PRIMITIVES(GEMEL_NAME)
          GEMEL_TERNARY_PRIMITIVES(GEMEL_NAME)
#undef GEMEL_NAME
  };
  return names[static_cast<int>(p)];
}

}  // namespace gemel::simd
