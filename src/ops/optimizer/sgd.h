// The steps of stochastic gradient descent, shared by its forms for one and for many weights.
#pragma once
#include "ops/optimizer/update.h"

namespace gemel::sgd {

// Scalars of the steps: 1 learning rate, 2 weight decay, 3 factor of the gradient, 4 momentum.
// lr * (clip(rescale * gradient) + wd * weight)
inline pointwise::Expr step(const Update::Clip& clip, pointwise::Expr weight) {
  using pointwise::scalar;
  return scalar(1) * (clip(scalar(3) * pointwise::input(1)) + scalar(2) * weight);
}

// (weight, grad)
inline std::vector<pointwise::Expr> plain(const Update::Clip& clip) {
  return {pointwise::input(0) - step(clip, pointwise::input(0))};
}
// (weight, grad, mom)
inline std::vector<pointwise::Expr> momentum(const Update::Clip& clip) {
  using pointwise::input;
  const pointwise::Expr mom = pointwise::scalar(4) * input(2) - step(clip, input(0));
  return {input(0) + mom, mom};
}
// (weight, grad, weight32)
inline std::vector<pointwise::Expr> mixed(const Update::Clip& clip) {
  using pointwise::input;
  const pointwise::Expr weight = input(2) - step(clip, input(2));
  return {weight, weight};
}
// (weight, grad, mom, weight32)
inline std::vector<pointwise::Expr> mixed_momentum(const Update::Clip& clip) {
  using pointwise::input;
  const pointwise::Expr mom = pointwise::scalar(4) * input(2) - step(clip, input(3));
  const pointwise::Expr weight = input(3) + mom;
  return {weight, mom, weight};
}

}  // namespace gemel::sgd
