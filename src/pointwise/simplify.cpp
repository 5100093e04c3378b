#include <optional>

#include "pointwise/walk.h"
#include "simd/scalar_math.h"

namespace gemel::pointwise {

namespace {

bool is(const Expr& e, double value) { return e->kind == Kind::constant && e->value == value; }
bool is_call(const Expr& e, Primitive p) { return e->kind == Kind::apply && e->primitive == p; }

double fold(Primitive p, std::span<const Expr> children) {
  const double a = children[0]->value;
  const double b = children.size() > 1 ? children[1]->value : 0;
  const double c = children.size() > 2 ? children[2]->value : 0;
  switch (p) {
#define GEMEL_CASE(name, text) \
  case Primitive::name:        \
    return simd::unary<Primitive::name>(a);
    GEMEL_UNARY_PRIMITIVES(GEMEL_CASE)
#undef GEMEL_CASE
#define GEMEL_CASE(name, text) \
  case Primitive::name:        \
    return simd::binary<Primitive::name>(a, b);
    GEMEL_BINARY_PRIMITIVES(GEMEL_CASE)
#undef GEMEL_CASE
#define GEMEL_CASE(name, text) \
  case Primitive::name:        \
    return simd::ternary<Primitive::name>(a, b, c);
    GEMEL_TERNARY_PRIMITIVES(GEMEL_CASE)
#undef GEMEL_CASE
  }
  GEMEL_ASSERT(!"a primitive without a value");
}

std::optional<Expr> simplify_binary(Primitive p, const Expr& a, const Expr& b) {
  if (p == Primitive::add) {
    if (is(a, 0)) return b;
    if (is(b, 0)) return a;
    if (is_call(b, Primitive::negative)) return simplify(a - b->child[0]);
    if (is_call(a, Primitive::negative)) return simplify(b - a->child[0]);
  } else if (p == Primitive::subtract) {
    if (is(b, 0)) return a;
    if (is(a, 0)) return simplify(-b);
    if (is_call(b, Primitive::negative)) return simplify(a + b->child[0]);
  } else if (p == Primitive::multiply) {
    if (is(a, 0) || is(b, 0)) return constant(0);
    if (is(a, 1)) return b;
    if (is(b, 1)) return a;
    if (is(a, -1)) return simplify(-b);
    if (is(b, -1)) return simplify(-a);
    if (is_call(a, Primitive::negative)) return simplify(-(a->child[0] * b));
    if (is_call(b, Primitive::negative)) return simplify(-(a * b->child[0]));
    if (is_call(a, Primitive::reciprocal)) return simplify(b / a->child[0]);
    if (is_call(b, Primitive::reciprocal)) return simplify(a / b->child[0]);
    if (is_call(a, Primitive::divide) && is(a->child[0], 1)) return simplify(b / a->child[1]);
    if (is_call(b, Primitive::divide) && is(b->child[0], 1)) return simplify(a / b->child[1]);
    if (b->kind == Kind::constant && a->kind != Kind::constant) return simplify(b * a);
    if (a->kind == Kind::constant && is_call(b, Primitive::multiply) &&
        b->child[0]->kind == Kind::constant)
      return simplify(constant(a->value * b->child[0]->value) * b->child[1]);
  } else if (p == Primitive::divide) {
    if (is(a, 0)) return constant(0);
    if (is(b, 1)) return a;
    if (is_call(a, Primitive::negative)) return simplify(-(a->child[0] / b));
  } else if (p == Primitive::pow) {
    if (is(b, 0)) return constant(1);
    if (is(b, 1)) return a;
    if (is(b, 2)) return square(a);
    if (is(b, 0.5)) return sqrt(a);
    if (is(b, -1)) return reciprocal(a);
  }
  return std::nullopt;
}

}  // namespace

Expr simplify(const Expr& e) {
  return transform(e, [](const Expr& node, std::span<const Expr> children) -> Expr {
    if (node->kind != Kind::apply) return rebuild(node, children);
    bool constants = true;
    for (const Expr& child : children) constants &= child->kind == Kind::constant;
    if (constants) return constant(fold(node->primitive, children));
    std::optional<Expr> better;
    if (children.size() == 2) better = simplify_binary(node->primitive, children[0], children[1]);
    if (node->primitive == Primitive::negative && is_call(children[0], Primitive::negative))
      better = children[0]->child[0];
    if (node->primitive == Primitive::where) {
      if (children[0]->kind == Kind::constant)
        better = children[is(children[0], 0) ? 2 : 1];
      else if (children[1] == children[2])
        better = children[1];
    }
    return better ? *better : rebuild(node, children);
  });
}

}  // namespace gemel::pointwise
