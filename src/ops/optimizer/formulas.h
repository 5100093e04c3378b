// The formulas of simd/update_formulas-inl.h as expressions.
#pragma once
#include "ops/optimizer/update.h"

namespace gemel::formulas {

using pointwise::Expr;

#include "simd/update_formulas-inl.h"

// The new weight and states, of the weight that is input `weight`.
template <class Formula, int weight = 0>
std::vector<Expr> values(const Update::Clip& limit) {
  Expr x[Formula::inputs], s[Formula::scalars];
  for (int i = 0; i < Formula::inputs; ++i) x[i] = pointwise::input(i ? i : weight);
  for (int i = 0; i < Formula::scalars; ++i) s[i] = pointwise::scalar(i);
  std::vector<Expr> y(Formula::outputs);
  Formula::apply(x, s, limit, y.data());
  return y;
}

// The same with a float32 copy of the weight, that input, which is read and written too.
template <class Formula, int copy>
std::vector<Expr> mixed_values(const Update::Clip& limit) {
  std::vector<Expr> y = values<Formula, copy>(limit);
  y.push_back(y[0]);
  return y;
}

}  // namespace gemel::formulas
