// Optimizer updates as one pass over memory: the weight's and the states' new values are
// expressions over (weight, gradient, states...), computed together.
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "op/registry.h"
#include "pointwise/program.h"

namespace gemel {

// What the updates have in common. A clip_gradient below 0 means no clipping.
struct UpdateParameters : Parameters {
  float lr = 0, wd = 0, rescale_grad = 1, clip_gradient = -1;
  bool lazy_update = true;
};

// Declares lr first, then what `extra` declares, then the rest, in the order of 1.9.1's signatures.
template <typename P, typename F>
void declare_update(Fields<P>& f, F&& extra) {
  f.field("lr", static_cast<float P::*>(&P::lr)).doc("Learning rate.");
  extra();
  f.field("wd", static_cast<float P::*>(&P::wd))
      .fallback("0")
      .doc("Weight decay: this much of the weight is added to the gradient.");
  f.field("rescale_grad", static_cast<float P::*>(&P::rescale_grad))
      .fallback("1")
      .doc("Factor of the gradient.");
  f.field("clip_gradient", static_cast<float P::*>(&P::clip_gradient))
      .fallback("-1")
      .doc("Limit of the magnitude of each element of the gradient; negative: none.");
  f.field("lazy_update", static_cast<bool P::*>(&P::lazy_update))
      .fallback("1")
      .doc("Only concerns sparse gradients.");
}

// One update: the expressions of the new weight and of the inputs that are written.
struct Update {
  // With x0 = weight, x1 = gradient, x2... = the other inputs. `clip` is the identity or the limit.
  using Clip = std::function<pointwise::Expr(pointwise::Expr)>;
  std::function<std::vector<pointwise::Expr>(const Clip& clip)> value;
  std::vector<int> mutates;  // value[1 + k] is written to input mutates[k]
  std::function<std::vector<double>(const Parameters&)>
      scalars;  // scalar(1), ...; scalar(0) is the limit
};

// Kernel, in-place pair, mutated inputs, shape rule and no gradient.
void implement_update(OpBuilder& builder, Update update);

}  // namespace gemel
