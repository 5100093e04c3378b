// Walks over an expression graph that meet each shared node once.
#pragma once
#include <array>
#include <span>
#include <unordered_map>
#include <unordered_set>

#include "pointwise/expr.h"

namespace gemel::pointwise {

// `e` itself when the children are its own, else the same node over the new children.
Expr rebuild(const Expr& e, std::span<const Expr> children);

namespace detail {
template <typename F>
void visit(const Expr& e, std::unordered_set<const Node*>& seen, F& f) {
  if (!seen.insert(e.node()).second) return;
  for (int i = 0; i < e->child_count; ++i) visit(e->child[i], seen, f);
  f(e);
}
template <typename F>
Expr transform(const Expr& e, std::unordered_map<const Node*, Expr>& done, F& f) {
  if (auto it = done.find(e.node()); it != done.end()) return it->second;
  std::array<Expr, 3> children;
  for (int i = 0; i < e->child_count; ++i) children[i] = transform(e->child[i], done, f);
  Expr result = f(e, std::span<const Expr>(children.data(), e->child_count));
  done.emplace(e.node(), result);
  return result;
}
}  // namespace detail

// f(node) for every node, children first.
template <typename F>
void visit(const Expr& e, F f) {
  std::unordered_set<const Node*> seen;
  detail::visit(e, seen, f);
}

// The result of f(node, transformed children) at the root, children first.
template <typename F>
Expr transform(const Expr& e, F f) {
  std::unordered_map<const Node*, Expr> done;
  return detail::transform(e, done, f);
}

}  // namespace gemel::pointwise
