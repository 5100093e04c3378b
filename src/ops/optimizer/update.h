// Optimizer updates as one pass over memory: the weight's and the states' new values are
// expressions over (weight, gradient, states...), computed together. The same expressions serve the
// forms with a float32 copy of a half weight and those that update many weights in one call.
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "op/registry.h"
#include "pointwise/program.h"
#include "simd/update_loops.h"

namespace gemel {

// What the updates have in common. A clip_gradient below 0 means no clipping.
struct UpdateParameters : Parameters {
  float lr = 0, wd = 0, rescale_grad = 1, clip_gradient = -1;
  bool lazy_update = true;
  int num_weights = 1;  // more than 1: see OpInfo::group
};

// Declares parameters; the callers' order is that of 1.9.1's signatures.
template <typename P>
struct UpdateFields {
  Fields<P>& f;

  UpdateFields& lr() {
    f.field("lr", static_cast<float P::*>(&P::lr)).doc("Learning rate.");
    return *this;
  }
  UpdateFields& number(const char* name, float P::*member, const char* fallback, const char* doc) {
    f.field(name, member).fallback(fallback).doc(doc);
    return *this;
  }
  UpdateFields& betas(const char* beta1 = "0.899999976") {
    return number("beta1", &P::beta1, beta1, "Decay of the mean of gradients.")
        .number("beta2", &P::beta2, "0.999000013", "Decay of the mean of their squares.");
  }
  UpdateFields& epsilon(const char* fallback = "9.99999994e-09") {
    return number("epsilon", &P::epsilon, fallback, "Keeps the divisor away from 0.");
  }
  UpdateFields& wd() {
    return number("wd", static_cast<float P::*>(&P::wd), "0",
                  "Weight decay: this much of the weight is added to the gradient.");
  }
  UpdateFields& rescale() {
    return number("rescale_grad", static_cast<float P::*>(&P::rescale_grad), "1",
                  "Factor of the gradient.");
  }
  UpdateFields& clip(const char* name = "clip_gradient") {
    return number(name, static_cast<float P::*>(&P::clip_gradient), "-1",
                  "Limit of the magnitude of each element of the gradient; negative: none.");
  }
  UpdateFields& lazy() {
    f.field("lazy_update", static_cast<bool P::*>(&P::lazy_update))
        .fallback("1")
        .doc("Only concerns sparse gradients.");
    return *this;
  }
  UpdateFields& list(const char* name, std::vector<double> P::*member, const char* doc) {
    f.field(name, member).doc(doc);
    return *this;
  }
  UpdateFields& count(const char* name = "num_weights") {
    f.field(name, static_cast<int P::*>(&P::num_weights))
        .fallback("1")
        .range(0, 1e9)
        .doc("Number of weights.");
    return *this;
  }
};

// Several signatures over one struct: declares P's parameters as those of its base class.
template <typename Base, typename P, typename F>
void declare_for(Fields<P>& f, F&& declare) {
  Fields<Base> base;
  declare(UpdateFields<Base>{base});
  f.fields = std::move(base.fields);
}

// One update: the expressions of the new weight and of the inputs that are written.
struct Update {
  // With x0 = weight, x1 = gradient, x2... = the other inputs of one weight. `clip` is the identity
  // or the limit.
  using Clip = std::function<pointwise::Expr(pointwise::Expr)>;
  std::function<std::vector<pointwise::Expr>(const Clip& clip)> value;
  std::vector<int> mutates;  // value[1 + k] is written to input mutates[k] of that weight
  // scalar(1), scalar(2)... for weight k of the call; scalar(0) is the limit.
  std::function<std::vector<double>(const OpCall& call, int k)> scalars;
  // Inputs of one weight that have its shape; 0: all. Those from `masters` on are float32 whatever
  // the weight is; 0: none. Inputs behind the groups are float32 of any shape.
  int group = 0, masters = 0;
  // The same as one loop over vectors, for float32 without masters.
  simd::UpdateFormula formula = simd::UpdateFormula::none;
};

// Kernel, in-place pair, mutated inputs, shape and type rule, and no gradient.
void implement_update(OpBuilder& builder, Update update);

// The two expressions of the same update: without a limit and with one.
struct UpdatePrograms {
  pointwise::Program plain, clipped;
  simd::UpdateLoop plain_loop, clipped_loop;  // or null
  explicit UpdatePrograms(const Update& update);
  // Weight k of the call, whose inputs are in[0..]; the new weight goes to `weight`.
  void run(const Update& update, const OpCall& call, int k, std::span<const Tensor> in,
           const Tensor& weight) const;
  // All weights of the call, whose bytes the threads share evenly.
  void run_all(const Update& update, const OpCall& call) const;
};

// weight_0, grad_0, ..., weight_1, ... from the names of one group.
std::vector<std::string> grouped_names(std::span<const char* const> group, int count,
                                       std::initializer_list<const char*> rest = {});

}  // namespace gemel
