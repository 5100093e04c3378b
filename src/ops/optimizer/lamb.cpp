// LAMB (You et al. 2020): Adam's direction, scaled to the norm of each layer's weights.
#include <algorithm>
#include <cmath>

#include "kernels/reduce.h"
#include "kernels/scalar_of.h"
#include "ops/optimizer/update.h"

namespace gemel {

namespace {

using pointwise::Expr;
using pointwise::input;
using pointwise::scalar;

struct LambParameters : UpdateParameters {
  float beta1 = 0.9f, beta2 = 0.999f, epsilon = 1e-6f, lower_bound = -1, upper_bound = -1;
  bool bias_correction = true;
  int t = 0;
  std::vector<double> learning_rates, wds;
  Shape step_count;

  using All = UpdateFields<LambParameters>;
  static All& correction(All& all) {
    all.f.field("bias_correction", &LambParameters::bias_correction)
        .fallback("1")
        .doc("Whether the means are divided by 1 - beta^t.");
    return all;
  }
  static All& bounds(All& all) {
    return all
        .number("lower_bound", &LambParameters::lower_bound, "-1",
                "Least norm of the weights that is counted; negative: none.")
        .number("upper_bound", &LambParameters::upper_bound, "-1",
                "Largest norm of the weights that is counted; negative: none.");
  }
};

struct DirectionParameters : LambParameters {
  static void declare(Fields<DirectionParameters>& f) {
    declare_for<LambParameters>(f, [](All all) {
      all.betas().epsilon("9.99999997e-07");
      all.f.field("t", &LambParameters::t).doc("Number of this step, from 1.");
      correction(all);
      all.f.field("wd", static_cast<float LambParameters::*>(&LambParameters::wd))
          .doc("Weight decay.");
      all.rescale().clip();
    });
  }
};
struct StepParameters : LambParameters {
  static void declare(Fields<StepParameters>& f) {
    declare_for<LambParameters>(f, [](All all) { bounds(all.lr()); });
  }
};
struct MultiLambParameters : LambParameters {
  static void declare(Fields<MultiLambParameters>& f) {
    declare_for<LambParameters>(f, [](All all) {
      all.list("learning_rates", &LambParameters::learning_rates, "Learning rate of each weight.")
          .betas()
          .epsilon("9.99999997e-07")
          .list("wds", &LambParameters::wds, "Decay of each weight.")
          .rescale();
      correction(bounds(all).clip());
      all.f.field("step_count", &LambParameters::step_count)
          .doc("Number of this step for each weight, from 1.");
      all.count("num_tensors");
    });
  }
};

// (weight, grad, mean, var[, weight32]): the direction, the new mean and variance.
std::vector<Expr> direction(const Update::Clip& clip, int master) {
  const Expr wd = scalar(1), rescale = scalar(2), beta1 = scalar(3), beta2 = scalar(4),
             epsilon = scalar(5), correction1 = scalar(6), correction2 = scalar(7);
  const Expr g = clip(rescale * input(1));
  const Expr mean = beta1 * input(2) + (1.0 - beta1) * g;
  const Expr variance = beta2 * input(3) + (1.0 - beta2) * square(g);
  const Expr step = mean / correction1 / (sqrt(variance / correction2) + epsilon);
  return {step + wd * input(master), mean, variance};
}
std::vector<Expr> plain_direction(const Update::Clip& clip) { return direction(clip, 0); }
std::vector<Expr> mixed_direction(const Update::Clip& clip) { return direction(clip, 4); }

std::vector<double> direction_scalars(const OpCall& call, int k) {
  const auto& p = call.params<LambParameters>();
  const bool multi = !p.wds.empty();
  const double t = static_cast<double>(multi ? p.step_count[k] : p.t);
  auto correction = [&](float beta) {
    return p.bias_correction ? 1 - std::pow(double{beta}, t) : 1.0;
  };
  return {multi ? p.wds[static_cast<size_t>(k)] : p.wd,
          p.rescale_grad,
          p.beta1,
          p.beta2,
          p.epsilon,
          correction(p.beta1),
          correction(p.beta2)};
}

// The learning rate times the ratio of the norms, as far as there is one.
double layer_rate(const LambParameters& p, double lr, double weight_norm, double step_norm) {
  double norm = weight_norm;
  if (p.lower_bound >= 0) norm = std::max(norm, double{p.lower_bound});
  if (p.upper_bound >= 0) norm = std::min(norm, double{p.upper_bound});
  return norm == 0 || step_norm == 0 ? lr : lr * norm / step_norm;
}

void declare_phases(bool mixed) {
  std::vector<std::string> inputs{"weight", "grad", "mean", "var"};
  if (mixed) inputs.push_back("weight32");
  OpBuilder first = op<DirectionParameters>(mixed ? "mp_lamb_update_phase1" : "lamb_update_phase1");
  first
      .doc(
          "LAMB's direction (You et al. 2020, algorithm 2): Adam's step plus wd * weight. Updates "
          "mean and var.")
      .inputs(inputs)
      .sample({.shapes = std::vector<Shape>(inputs.size(), Shape{3, 4}),
               .attributes = {{"wd", "0.1"}, {"t", "2"}, {"clip_gradient", "0.3"}},
               .low = 0.1})
      .sample({.shapes = std::vector<Shape>(inputs.size(), Shape{5}),
               .attributes = {{"wd", "0"}, {"t", "1"}, {"bias_correction", "False"}},
               .low = 0.1});
  implement_update(first, {mixed ? mixed_direction : plain_direction,
                           {2, 3},
                           direction_scalars,
                           static_cast<int>(inputs.size()),
                           mixed ? 2 : 0});
  if (mixed)
    first
        .type([](TypeContext& c) {
          c.set_in(1, c.in[0]);
          c.set_in(0, c.in[1]);
          for (int i = 2; i < 5; ++i) c.set_in(i, DType::float32);
          c.set_out(0, DType::float32);
        })
        .inplace({{4, 0}});

  OpBuilder second = op<StepParameters>(mixed ? "mp_lamb_update_phase2" : "lamb_update_phase2");
  std::vector<std::string> rest{"weight", "g", "r1", "r2"};
  if (mixed) rest.push_back("weight32");
  Sample sample{.shapes = {{3, 4}, {3, 4}, {1}, {1}},
                .attributes = {{"lr", "0.1"}, {"lower_bound", "0.2"}, {"upper_bound", "0.7"}},
                .low = 0.1};
  if (mixed) sample.shapes.push_back({3, 4});
  second
      .doc(
          "weight - lr * r1 / r2 * g, where r1 is the norm of the weight, within the bounds, and "
          "r2 that of g; a norm of 0 leaves out their ratio (You et al. 2020).")
      .inputs(rest)
      .sample(std::move(sample));
  auto value = [mixed](const Update::Clip&) {
    const Expr weight = input(mixed ? 4 : 0) - scalar(1) * input(1);
    return mixed ? std::vector<Expr>{weight, weight} : std::vector<Expr>{weight};
  };
  implement_update(
      second,
      {value, mixed ? std::vector<int>{4} : std::vector<int>{}, [](const OpCall& call, int) {
         const auto& p = call.params<LambParameters>();
         return std::vector<double>{
             layer_rate(p, p.lr, kernels::scalar_of(call.in[2]), kernels::scalar_of(call.in[3]))};
       }});
  second.shape([mixed](ShapeContext& c) {
    for (int i : {2, 3})
      GEMEL_CHECK(!c.in[static_cast<size_t>(i)].known() || c.in[static_cast<size_t>(i)].size() == 1,
                  "[{}] the norm r{}: expected an array of one element, got shape {}", c.op.name(),
                  i - 1, c.in[static_cast<size_t>(i)]);
    for (int round = 0; round < 2; ++round) {
      c.set_in(1, c.in[0]);
      c.set_in(0, c.in[1]);
      if (mixed) c.set_in(4, c.in[0]);
      c.set_out(0, c.in[0]);
      c.set_in(0, c.out[0]);
    }
  });
  if (mixed)
    second.type([](TypeContext& c) {
      for (int i = 1; i < 5; ++i) c.set_in(i, DType::float32);
      c.set_out(0, c.in[0]);
      c.set_in(0, c.out[0]);
    });
}

double norm(const Tensor& t) {
  double result = 0;
  const uint32_t all = (uint32_t{1} << t.shape.ndim()) - 1;
  if (t.dtype == DType::float64) {
    kernels::reduce(kernels::Reduction::norm2, t, all, Tensor(&result, Shape{1}, DType::float64));
    return result;
  }
  float narrow = 0;
  kernels::reduce(kernels::Reduction::norm2, t, all, Tensor(&narrow, Shape{1}, DType::float32));
  return narrow;
}

// The direction of one weight at a time, in the workspace, then the step.
void run_multi(const Update& directions, const UpdatePrograms& programs,
               const pointwise::Program& step, const OpCall& call) {
  const auto& p = call.params<LambParameters>();
  const size_t group = static_cast<size_t>(directions.group);
  for (size_t k = 0; k < call.out.size(); ++k) {
    const auto in = call.in.subspan(k * group, group);
    const Tensor& weight = directions.masters ? in.back() : in[0];
    const Tensor direction(call.workspace, weight.shape,
                           weight.dtype == DType::float64 ? DType::float64 : DType::float32);
    programs.run(directions, call, static_cast<int>(k), in, direction);
    const double rate[] = {layer_rate(p, p.learning_rates[k], norm(weight), norm(direction))};
    const Tensor read[] = {weight, direction}, written[] = {call.out[k], weight};
    step.run(read, rate, std::span(written, directions.masters ? 2 : 1));
  }
}

void check_counts(ShapeContext& c) {
  const auto& p = c.params<LambParameters>();
  const size_t count = static_cast<size_t>(p.num_weights);
  GEMEL_CHECK(p.learning_rates.size() == count && p.wds.size() == count &&
                  p.step_count.ndim() == p.num_weights,
              "[{}] expected {} learning_rates, wds and step_count, got {}, {} and {}", c.op.name(),
              count, p.learning_rates.size(), p.wds.size(), p.step_count.ndim());
}

void declare_multi(bool mixed) {
  std::vector<const char*> inputs{"weight", "grad", "mean", "var"};
  if (mixed) inputs.push_back("weight32");
  const int group = static_cast<int>(inputs.size());
  OpBuilder builder =
      op<MultiLambParameters>(mixed ? "_multi_mp_lamb_update" : "_multi_lamb_update");
  for (const char* correction : {"True", "False"}) {
    Sample sample{.attributes = {{"learning_rates", "(0.1, 0.2)"},
                                 {"wds", "(0.1, 0)"},
                                 {"step_count", "(1, 3)"},
                                 {"bias_correction", correction},
                                 {"num_tensors", "2"}},
                  .low = 0.1};
    for (const Shape& shape : {Shape{3, 4}, Shape{5}})
      for (int i = 0; i < group; ++i) sample.shapes.push_back(shape);
    builder.sample(std::move(sample));
  }
  builder
      .doc(mixed ? "LAMB (You et al. 2020) on groups (weight, grad, mean, var, weight32)."
                 : "LAMB (You et al. 2020) on groups (weight, grad, mean, var).")
      .groups(group);
  builder.info().inputs = [inputs](const Parameters& p) {
    return grouped_names(inputs, static_cast<const LambParameters&>(p).num_weights);
  };
  builder.info().outputs = [](const Parameters& p) {
    return static_cast<const LambParameters&>(p).num_weights;
  };
  auto directions = std::make_shared<const Update>(Update{
      mixed ? mixed_direction : plain_direction, {2, 3}, direction_scalars, group, mixed ? 2 : 0});
  implement_update(builder, *directions);  // for its rules; the kernel is the one below
  if (mixed) builder.mutates({2, 3, 4});
  builder.shape([alike = builder.info().shape_rule](ShapeContext& c) {
    check_counts(c);
    alike(c);
  });
  auto programs = std::make_shared<const UpdatePrograms>(*directions);
  const Expr weight = input(0) - scalar(0) * input(1);
  auto step = std::make_shared<const pointwise::Program>(mixed ? std::vector<Expr>{weight, weight}
                                                               : std::vector<Expr>{weight});
  Implementation& kernel = builder.info().implementations.front();
  kernel.kernel = [=](const OpCall& call) { run_multi(*directions, *programs, *step, call); };
  kernel.workspace = [](const OpCall& call) {
    int64_t bytes = 0;
    for (const Tensor& tensor : call.in)
      bytes = std::max(bytes, tensor.size() * std::max<int64_t>(4, size_of(tensor.dtype)));
    return bytes;
  };
}

}  // namespace

GEMEL_OPERATORS(lamb) {
  declare_phases(false);
  declare_phases(true);
  declare_multi(false);
  declare_multi(true);
}

}  // namespace gemel
