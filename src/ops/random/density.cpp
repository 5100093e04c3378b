// Densities of distributions at given samples, differentiable in the samples and the parameters.
// Each element of the parameters belongs to a block of samples: their shape begins with that of the
// parameters.
#include <array>
#include <cstring>

#include "op/registry.h"
#include "pointwise/operator.h"

namespace gemel {

namespace {

using pointwise::Expr;
using pointwise::input;

struct DensityParameters : Parameters {
  bool is_log = false;
  static void declare(Fields<DensityParameters>& f) {
    f.field("is_log", &DensityParameters::is_log)
        .fallback("0")
        .doc("Whether the logarithm of the density is computed.");
  }
};

struct SpreadParameters : Parameters {
  bool keep_last = false;
  static void declare(Fields<SpreadParameters>& f) {
    f.field("keep_last", &SpreadParameters::keep_last)
        .fallback("0")
        .doc("Whether the last axis stays the last.");
  }
};

struct Density {
  const char *name, *doc;
  std::vector<std::string> parameters;
  Expr log_density;  // of x0 with the parameters x1, x2
  std::vector<std::pair<double, double>> ranges;
  bool discrete = false;  // no gradient for the samples
  Expr value(bool is_log) const { return is_log ? log_density : exp(log_density); }
};

void density_shape(ShapeContext& c) {
  c.set_out(0, c.in[0]);
  c.set_in(0, c.out[0]);
  for (int i = 1; i < static_cast<int>(c.in.size()); ++i) {
    c.set_in(i, c.in[1]);
    c.set_in(1, c.in[static_cast<size_t>(i)]);
  }
  const Shape &sample = c.in[0], &parameter = c.in[1];
  if (sample.ndim() < 0 || parameter.ndim() < 0) return;
  GEMEL_CHECK(parameter.ndim() <= sample.ndim(),
              "[{}] sample: expected a shape that begins with {}, got {}", c.op.name(), parameter,
              sample);
  for (int k = 0; k < parameter.ndim(); ++k)
    GEMEL_CHECK(parameter[k] < 0 || sample[k] < 0 || parameter[k] == sample[k],
                "[{}] sample: expected a shape that begins with {}, got {}", c.op.name(), parameter,
                sample);
}

// A parameter as an array that broadcasts against the samples.
Tensor spread(const Tensor& parameter, int ndim) {
  Tensor wide = parameter;
  while (wide.shape.ndim() < ndim) wide.shape.push_back(1);
  return wide;
}

void declare_density(Density given) {
  auto d = std::make_shared<const Density>(std::move(given));
  const int inputs = static_cast<int>(d->parameters.size()) + 1;
  using Programs = std::array<pointwise::Program, 2>;
  auto programs = std::make_shared<const Programs>(
      Programs{pointwise::Program({d->value(false)}), pointwise::Program({d->value(true)})});
  std::vector<std::string> names{"sample"};
  names.insert(names.end(), d->parameters.begin(), d->parameters.end());
  const std::string name = std::string("_random_pdf_") + d->name;
  OpBuilder builder = op<DensityParameters>(name);
  builder.alias({name.substr(1)})
      .doc(d->doc)
      .inputs(names)
      .shape(density_shape)
      .type(same_type)
      .implement("tape",
                 [programs](const OpCall& call) {
                   Tensor in[3];
                   for (size_t i = 0; i < call.in.size(); ++i)
                     in[i] = spread(call.in[i], call.in[0].shape.ndim());
                   (*programs)[call.params<DensityParameters>().is_log].run(
                       std::span(in, call.in.size()), {}, call.out);
                 })
      .gradient([d, inputs](const GradientContext& context) {
        std::vector<Entry> sources{context.in(0)};
        for (int i = 1; i < inputs; ++i)
          sources.push_back(context.make("_trailing_axes_like", {context.in(i), context.in(0)}));
        sources.push_back(context.dy());
        const Expr value = d->value(context.params<DensityParameters>().is_log);
        std::vector<Entry> gradients;
        for (int i = 0; i < inputs; ++i) {
          if (i == 0 && d->discrete) {
            gradients.push_back(context.make("zeros_like", {context.in(0)}));
            continue;
          }
          const Expr e = pointwise::simplify(pointwise::derivative(value, i) * input(inputs));
          Entry g =
              context.make("_pointwise", sources, pointwise::make_pointwise({e}, {}, inputs + 1));
          if (i) {
            g = context.make("_sum_to_like", {g, sources[static_cast<size_t>(i)]});
            g = context.make("_reshape_as", {g, context.in(i)});
          }
          gradients.push_back(g);
        }
        return gradients;
      });
  for (const char* is_log : {"False", "True"}) {
    Sample sample{.shapes = {{3, 4}}, .attributes = {{"is_log", is_log}}, .ranges = d->ranges};
    for (int i = 1; i < inputs; ++i) sample.shapes.push_back({3});
    builder.sample(std::move(sample));
  }
}

// log((a + b) choose b) + a log(p) + b log(1 - p), with the gamma function for the factorials.
Expr log_negative_binomial(const Expr& x, const Expr& count, const Expr& success) {
  return gammaln(x + count) - gammaln(x + 1.0) - gammaln(count) + count * log(success) +
         x * log(1.0 - success);
}

}  // namespace

GEMEL_OPERATORS(density) {
  constexpr double log_root_two_pi = 0.91893853320467274;
  const Expr x = input(0), a = input(1), b = input(2);
  declare_density({"uniform",
                   "Density of the uniform distribution; samples are taken to lie in the range.",
                   {"low", "high"},
                   -log(b - a),
                   {{1, 2}, {0, 1}, {2, 3}}});
  declare_density({"normal",
                   "Density of the normal distribution.",
                   {"mu", "sigma"},
                   -0.5 * square((x - a) / b) - log(b) - log_root_two_pi,
                   {{-1, 1}, {-1, 1}, {0.5, 2}}});
  declare_density({"exponential",
                   "Density of the exponential distribution with rate lam.",
                   {"lam"},
                   log(a) - a * x,
                   {{0.1, 2}, {0.5, 2}}});
  declare_density({"gamma",
                   "Density of the gamma distribution with shape alpha and rate beta.",
                   {"alpha", "beta"},
                   a * log(b) + (a - 1.0) * log(x) - b * x - gammaln(a),
                   {{0.1, 2}, {0.5, 2}, {0.5, 2}}});
  declare_density({"poisson",
                   "Probability under the Poisson distribution with mean lam.",
                   {"lam"},
                   x * log(a) - gammaln(x + 1.0) - a,
                   {{1, 6}, {0.5, 5}},
                   true});
  declare_density({"negative_binomial",
                   "Probability of so many failures before k successes of probability p.",
                   {"k", "p"},
                   log_negative_binomial(x, a, b),
                   {{1, 6}, {1, 5}, {0.2, 0.8}},
                   true});
  const Expr count = 1.0 / b;
  declare_density({"generalized_negative_binomial",
                   "Probability under a Poisson distribution with a gamma distributed mean: mu on "
                   "average, with dispersion alpha.",
                   {"mu", "alpha"},
                   log_negative_binomial(x, count, 1.0 / (a * b + 1.0)),
                   {{1, 6}, {1, 5}, {0.2, 0.8}},
                   true});

  OpBuilder trailing = op<SpreadParameters>("_trailing_axes_like");
  trailing
      .doc(
          "The first input with axes of length 1 behind (or before its last axis), until it has as "
          "many axes as the second.")
      .inputs({"data", "like"})
      .shape([](ShapeContext& c) {
        if (c.in[0].ndim() < 0 || c.in[1].ndim() < 0) return;
        Shape shape = c.in[0];
        const bool keeps_last = c.params<SpreadParameters>().keep_last && shape.ndim() > 0;
        const int64_t last = keeps_last ? shape[shape.ndim() - 1] : 1;
        if (keeps_last) shape[shape.ndim() - 1] = 1;
        while (shape.ndim() < c.in[1].ndim()) shape.push_back(1);
        if (keeps_last) shape[shape.ndim() - 1] = last;
        c.set_out(0, shape);
      })
      .type([](TypeContext& c) {
        c.set_out(0, c.in[0]);
        c.set_in(0, c.out[0]);
      })
      .gradient([](const GradientContext& context) {
        return std::vector<Entry>{context.make("_reshape_as", {context.dy(), context.in(0)}),
                                  Entry{}};
      })
      .shares_memory(0, 0)
      .shape_only({1})
      .implement("memcpy",
                 [](const OpCall& call) {
                   if (call.in[0].address != call.out[0].address && call.in[0].size())
                     std::memcpy(call.out[0].address, call.in[0].address,
                                 static_cast<size_t>(call.in[0].bytes()));
                 })
      .inplace({{0, 0}});
  trailing.info().hidden = true;
}

}  // namespace gemel
