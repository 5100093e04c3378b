#include "pointwise/expr.h"

#include <bit>
#include <functional>
#include <unordered_map>
#include <unordered_set>

#include "pointwise/walk.h"

namespace gemel::pointwise {

Expr::Expr(const Expr&) = default;
Expr::Expr(Expr&&) noexcept = default;
Expr& Expr::operator=(const Expr&) = default;
Expr& Expr::operator=(Expr&&) noexcept = default;
Expr::~Expr() = default;

namespace {

size_t combine(size_t seed, size_t value) {
  return (seed ^ (value + 0x9e3779b97f4a7c15ull + (seed << 6) + (seed >> 2))) *
         0xff51afd7ed558ccdull;
}

Expr finish(Node* node) {
  size_t hash = combine(static_cast<size_t>(node->kind), static_cast<size_t>(node->primitive));
  hash = combine(hash, static_cast<size_t>(node->index + 1));
  hash = combine(hash, static_cast<size_t>(node->dtype) + 1);
  hash = combine(hash, std::bit_cast<uint64_t>(node->value));
  for (int i = 0; i < node->child_count; ++i) hash = combine(hash, node->child[i].hash());
  node->hash = hash;
  return Expr(Ref<const Node>(node));
}

Expr leaf(Kind kind, int index) {
  GEMEL_CHECK(index >= 0, "[pointwise] the index of an input or scalar is 0 or more, got {}",
              index);
  Node* node = new Node;
  node->kind = kind;
  node->index = index;
  return finish(node);
}

}  // namespace

Expr::Expr(double value) : Expr(constant(value)) {}

Expr input(int index) { return leaf(Kind::input, index); }
Expr scalar(int index) { return leaf(Kind::scalar, index); }

Expr constant(double value) {
  Node* node = new Node;
  node->value = value;
  return finish(node);
}

Expr call(Primitive primitive, std::span<const Expr> children) {
  GEMEL_CHECK(static_cast<int>(children.size()) == simd::arity(primitive),
              "[{}] expected {} operands, got {}", simd::name_of(primitive), simd::arity(primitive),
              children.size());
  Node* node = new Node;
  node->kind = Kind::apply;
  node->primitive = primitive;
  node->child_count = static_cast<uint8_t>(children.size());
  for (size_t i = 0; i < children.size(); ++i) node->child[i] = children[i];
  return finish(node);
}

Expr round_to(DType dtype, const Expr& e) {
  GEMEL_CHECK(dtype != DType::none, "[round_to] expected a dtype, got none");
  Node* node = new Node;
  node->kind = Kind::round_to;
  node->dtype = dtype;
  node->child_count = 1;
  node->child[0] = e;
  return finish(node);
}

size_t Expr::hash() const { return node_ ? node_->hash : 0; }

bool Expr::operator==(const Expr& other) const {
  if (node_ == other.node_) return true;
  if (!node_ || !other.node_) return false;
  const Node &a = *node_, &b = *other.node_;
  if (a.hash != b.hash || a.kind != b.kind || a.primitive != b.primitive || a.dtype != b.dtype ||
      a.index != b.index || a.child_count != b.child_count ||
      std::bit_cast<uint64_t>(a.value) != std::bit_cast<uint64_t>(b.value))
    return false;
  for (int i = 0; i < a.child_count; ++i)
    if (!(a.child[i] == b.child[i])) return false;
  return true;
}

Expr rebuild(const Expr& e, std::span<const Expr> children) {
  bool same = true;
  for (int i = 0; i < e->child_count; ++i) same &= e->child[i].node() == children[i].node();
  if (same) return e;
  if (e->kind == Kind::round_to) return round_to(e->dtype, children[0]);
  return call(e->primitive, children);
}

Expr substitute(const Expr& f, std::span<const Expr> inputs, std::span<const Expr> scalars) {
  return transform(f, [&](const Expr& e, std::span<const Expr> children) {
    const size_t index = static_cast<size_t>(e->index);
    if (e->kind == Kind::input && index < inputs.size()) return inputs[index];
    if (e->kind == Kind::scalar && index < scalars.size()) return scalars[index];
    return rebuild(e, children);
  });
}

namespace {
int highest(const Expr& e, Kind kind) {
  int count = 0;
  visit(e, [&](const Expr& node) {
    if (node->kind == kind) count = std::max(count, node->index + 1);
  });
  return count;
}
}  // namespace

int input_count(const Expr& e) { return highest(e, Kind::input); }
int scalar_count(const Expr& e) { return highest(e, Kind::scalar); }

bool depends_on_input(const Expr& e, int index) {
  bool found = false;
  visit(e, [&](const Expr& node) {
    found |= node->kind == Kind::input && (index < 0 || node->index == index);
  });
  return found;
}

}  // namespace gemel::pointwise
