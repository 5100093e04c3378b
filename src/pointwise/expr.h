// Scalar expressions: what a pointwise operator computes for one element, as data. From one Expr
// come the CPU program, the gradient, the documentation's formula and whatever a device backend
// generates. An Expr is an immutable shared graph; copying is one atomic increment. Safe to share
// among threads.
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/dtype.h"
#include "base/export.h"
#include "base/intrusive.h"
#include "simd/primitive.h"

namespace gemel::pointwise {

using simd::Primitive;

enum class Kind : uint8_t {
  input,     // element of input `index`
  scalar,    // run-time parameter `index` of the operator, the same for every element
  constant,  // `value`
  apply,     // `primitive` of the children
  round_to,  // the child, rounded to `dtype` and back
};

struct Node;

class GEMEL_EXPORT Expr {
 public:
  Expr() = default;    // empty: only to be assigned to
  Expr(double value);  // a constant; implicit, so that formulas read as formulas
  explicit Expr(Ref<const Node> node) : node_(std::move(node)) {}
  Expr(const Expr&);
  Expr(Expr&&) noexcept;
  Expr& operator=(const Expr&);
  Expr& operator=(Expr&&) noexcept;
  ~Expr();

  const Node* operator->() const { return node_.get(); }
  const Node* node() const { return node_.get(); }
  explicit operator bool() const { return static_cast<bool>(node_); }
  bool operator==(const Expr& other) const;  // structural
  size_t hash() const;

 private:
  Ref<const Node> node_;
};

struct Node : Counted<Node> {
  Kind kind = Kind::constant;
  Primitive primitive = Primitive::add;
  DType dtype = DType::none;
  uint8_t child_count = 0;
  int index = 0;
  double value = 0;
  size_t hash = 0;
  Expr child[3];
};

GEMEL_EXPORT Expr input(int index);
GEMEL_EXPORT Expr scalar(int index);
GEMEL_EXPORT Expr constant(double value);
GEMEL_EXPORT Expr call(Primitive primitive, std::span<const Expr> children);
// Rounds to dtype and back: what storing an intermediate and loading it again does. Nothing is
// rounded where dtype is the type of computation or a wider one.
GEMEL_EXPORT Expr round_to(DType dtype, const Expr& e);

inline Expr call(Primitive p, const Expr& a) { return call(p, std::span<const Expr>(&a, 1)); }
inline Expr call(Primitive p, const Expr& a, const Expr& b) {
  const Expr children[] = {a, b};
  return call(p, children);
}
inline Expr call(Primitive p, const Expr& a, const Expr& b, const Expr& c) {
  const Expr children[] = {a, b, c};
  return call(p, children);
}

// exp(x), max(a, b), ...: one function for each primitive, under its identifier.
#define GEMEL_FUNCTION(name, text) \
  inline Expr name(const Expr& x) { return call(Primitive::name, x); }
GEMEL_UNARY_PRIMITIVES(GEMEL_FUNCTION)
#undef GEMEL_FUNCTION
#define GEMEL_FUNCTION(name, text) \
  inline Expr name(const Expr& a, const Expr& b) { return call(Primitive::name, a, b); }
GEMEL_BINARY_PRIMITIVES(GEMEL_FUNCTION)
#undef GEMEL_FUNCTION
inline Expr where(const Expr& condition, const Expr& a, const Expr& b) {
  return call(Primitive::where, condition, a, b);
}
inline Expr clip(const Expr& x, const Expr& low, const Expr& high) {
  return call(Primitive::clip, x, low, high);
}
inline Expr fix(const Expr& x) { return trunc(x); }

inline Expr operator+(const Expr& a, const Expr& b) { return add(a, b); }
inline Expr operator-(const Expr& a, const Expr& b) { return subtract(a, b); }
inline Expr operator*(const Expr& a, const Expr& b) { return multiply(a, b); }
inline Expr operator/(const Expr& a, const Expr& b) { return divide(a, b); }
inline Expr operator-(const Expr& a) { return negative(a); }

// "add(mul(x0,x1),s0)"; constants keep every digit. parse(to_string(e)) == e.
GEMEL_EXPORT std::string to_string(const Expr& e);
// Throws Error(Input) with the position and what was expected there.
GEMEL_EXPORT Expr parse(std::string_view text);
// For people: "log(x + sqrt(x*x + 1))". One input is x, two are x and y, more are x0, x1, ...
GEMEL_EXPORT std::string formula(const Expr& e);

// The derivative by one input, simplified. Where a function has none, MXNet 1.9.1's choice: 0 for
// abs, relu and the rounding functions; ties of max and min go to the left operand.
// Throws Error(Input) for trigamma, the end of the polygamma functions here.
GEMEL_EXPORT Expr derivative(const Expr& f, int input_index);
// Replaces inputs and scalars; those beyond the spans stay.
GEMEL_EXPORT Expr substitute(const Expr& f, std::span<const Expr> inputs,
                             std::span<const Expr> scalars);
// Algebra over the reals (0*x is 0, constants fold): it may change rounding, so it belongs to the
// making of formulas and never to fusion.
GEMEL_EXPORT Expr simplify(const Expr& e);

// One more than the highest index that occurs; 0 without any.
GEMEL_EXPORT int input_count(const Expr& e);
GEMEL_EXPORT int scalar_count(const Expr& e);
// Whether `e` reads input `index` (any input when -1).
GEMEL_EXPORT bool depends_on_input(const Expr& e, int index = -1);

struct ExprHash {
  size_t operator()(const Expr& e) const { return e.hash(); }
};

}  // namespace gemel::pointwise
