// AdamW: Adam with weight decay apart from the gradient (Loshchilov and Hutter 2019). The factor of
// the gradient is an array, so that a loss scale needs no wait; 0, infinite or NaN skips the step.
#include <cmath>

#include "kernels/scalar_of.h"
#include "ops/optimizer/update.h"

namespace gemel {

namespace {

using pointwise::Expr;
using pointwise::input;
using pointwise::scalar;

struct AdamwParameters : UpdateParameters {
  float beta1 = 0.9f, beta2 = 0.999f, epsilon = 1e-8f, eta = 1;
  std::vector<double> lrs, wds, etas;
  static void declare(Fields<AdamwParameters>& f) {
    UpdateFields<AdamwParameters> fields{f};
    fields.lr().betas().epsilon().wd();
    f.field("eta", &AdamwParameters::eta).doc("Factor of the whole step (a schedule's).");
    fields.clip();
  }
};
struct MultiAdamwParameters : AdamwParameters {
  static void declare(Fields<MultiAdamwParameters>& f) {
    declare_for<AdamwParameters>(f, [](auto all) {
      all.list("lrs", &AdamwParameters::lrs, "Learning rate of each weight.")
          .betas()
          .epsilon()
          .list("wds", &AdamwParameters::wds, "Weight decay of each weight.")
          .list("etas", &AdamwParameters::etas, "Factor of each whole step.")
          .clip()
          .count();
    });
  }
};

// (weight, grad, mean, var[, weight32]); `master` is the weight that is read.
std::vector<Expr> adamw_value(const Update::Clip& clip, int master) {
  const Expr lr = scalar(1), wd = scalar(2), rescale = scalar(3), beta1 = scalar(4),
             beta2 = scalar(5), epsilon = scalar(6), eta = scalar(7), valid = scalar(8);
  const Expr g = clip(rescale * input(1));
  const Expr mean = beta1 * input(2) + (1.0 - beta1) * g;
  const Expr variance = beta2 * input(3) + (1.0 - beta2) * square(g);
  const Expr old = input(master);
  const Expr weight = old - eta * (lr * mean / (sqrt(variance) + epsilon) + wd * old);
  auto kept = [&](const Expr& value, const Expr& otherwise) {
    return where(valid, value, otherwise);
  };
  std::vector<Expr> values{kept(weight, old), kept(mean, input(2)), kept(variance, input(3))};
  if (master) values.push_back(values[0]);
  return values;
}
std::vector<Expr> plain_value(const Update::Clip& clip) { return adamw_value(clip, 0); }
std::vector<Expr> mixed_value(const Update::Clip& clip) { return adamw_value(clip, 4); }

std::vector<double> scalars(const OpCall& call, int k) {
  const auto& p = call.params<AdamwParameters>();
  const bool multi = !p.lrs.empty();
  const size_t i = static_cast<size_t>(k);
  const double rescale = kernels::scalar_of(call.in.back());
  const double valid = std::isfinite(rescale) && rescale != 0;
  return {multi ? p.lrs[i] : p.lr,
          multi ? p.wds[i] : p.wd,
          valid ? rescale : 0,
          p.beta1,
          p.beta2,
          p.epsilon,
          multi ? p.etas[i] : p.eta,
          valid};
}

void check_counts(ShapeContext& c) {
  const auto& p = c.params<AdamwParameters>();
  const size_t count = static_cast<size_t>(p.num_weights);
  GEMEL_CHECK(p.lrs.size() == count && p.wds.size() == count && p.etas.size() == count,
              "[{}] expected {} lrs, wds and etas, got {}, {} and {}", c.op.name(), count,
              p.lrs.size(), p.wds.size(), p.etas.size());
}

void declare_single(const char* name, const char* doc, std::vector<std::string> inputs) {
  const int group = static_cast<int>(inputs.size());
  const bool mixed = group == 5;
  inputs.push_back("rescale_grad");
  OpBuilder builder = op<AdamwParameters>(name);
  Sample sample{
      .shapes = std::vector<Shape>(static_cast<size_t>(group), Shape{3, 4}),
      .attributes = {{"lr", "0.1"}, {"eta", "0.5"}, {"wd", "0.1"}, {"clip_gradient", "0.3"}},
      .ranges = std::vector<std::pair<double, double>>(static_cast<size_t>(group) + 1, {0.1, 1})};
  sample.shapes.push_back(Shape{1});
  builder.doc(doc).inputs(std::move(inputs)).groups(group).sample(std::move(sample));
  implement_update(builder, {mixed ? mixed_value : plain_value,
                             mixed ? std::vector<int>{2, 3, 4} : std::vector<int>{2, 3}, scalars,
                             group, mixed ? 2 : 0});
}

void declare_multi(const char* name, const char* doc, std::vector<const char*> inputs) {
  const int group = static_cast<int>(inputs.size());
  const bool mixed = group == 5;
  OpBuilder builder = op<MultiAdamwParameters>(name);
  Sample sample{.attributes = {{"lrs", "(0.1, 0.2)"},
                               {"wds", "(0.1, 0)"},
                               {"etas", "(0.5, 1)"},
                               {"num_weights", "2"}},
                .low = 0.1};
  for (const Shape& shape : {Shape{3, 4}, Shape{5}})
    for (int i = 0; i < group; ++i) sample.shapes.push_back(shape);
  sample.shapes.push_back(Shape{1});
  builder.doc(doc).groups(group).sample(std::move(sample));
  builder.info().inputs = [inputs](const Parameters& p) {
    return grouped_names(inputs, static_cast<const AdamwParameters&>(p).num_weights,
                         {"rescale_grad"});
  };
  builder.info().outputs = [](const Parameters& p) {
    return static_cast<const AdamwParameters&>(p).num_weights;
  };
  implement_update(builder, {mixed ? mixed_value : plain_value,
                             mixed ? std::vector<int>{2, 3, 4} : std::vector<int>{2, 3}, scalars,
                             group, mixed ? 2 : 0});
  builder.shape([alike = builder.info().shape_rule](ShapeContext& c) {
    check_counts(c);
    alike(c);
  });
}

}  // namespace

GEMEL_OPERATORS(adamw) {
  declare_single("_adamw_update",
                 "One step of AdamW (Loshchilov and Hutter 2019); rescale_grad is an array of one "
                 "element, and 0, infinity or NaN there leaves everything as it was.",
                 {"weight", "grad", "mean", "var"});
  declare_single("_mp_adamw_update",
                 "_adamw_update on a float32 copy of the weight, from which the weight is rounded.",
                 {"weight", "grad", "mean", "var", "weight32"});
  declare_multi(
      "_multi_adamw_update",
      "_adamw_update on groups (weight, grad, mean, var); the last array is rescale_grad.",
      {"weight", "grad", "mean", "var"});
  declare_multi("_multi_mp_adamw_update",
                "_mp_adamw_update on groups (weight, grad, mean, var, weight32); the last array is "
                "rescale_grad.",
                {"weight", "grad", "mean", "var", "weight32"});
}

}  // namespace gemel
