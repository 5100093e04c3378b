// Every distribution in three forms: numbers as parameters and a shape (_random_), the shape of an
// array (_like), and arrays as parameters, each element of which gives `shape` numbers (_sample_).
// The uniform and the normal distribution have faster kernels for the first two in random.cpp.
#include <algorithm>

#include "kernels/distributions.h"
#include "kernels/parallel.h"
#include "ops/random/sampler.h"
#include "simd/convert.h"

namespace gemel {

namespace {

using kernels::ElementStream;

struct DistributionParameters : ArrayParameters {
  float first_value = 1, second_value = 1;
  int count = 1;
};

struct Parameter {
  const char *name, *doc;
  double lowest;  // a value below is an error
  bool above;     // so is the lowest itself
  bool integer = false;
};

struct Distribution {
  const char *name, *doc;
  std::vector<Parameter> parameters;
  double (*draw)(ElementStream&, double, double);
  std::vector<std::pair<double, double>> ranges;  // of the parameters, for tests
};

double parameter(const OpCall& call, const Distribution& d, size_t i) {
  const auto& p = call.params<DistributionParameters>();
  const double value = d.parameters[i].integer ? p.count : i ? p.second_value : p.first_value;
  const Parameter& declared = d.parameters[i];
  GEMEL_CHECK(value > declared.lowest || (!declared.above && value == declared.lowest),
              "[{}] {}: expected a number {} {}, got {}", call.op.name(), declared.name,
              declared.above ? "above" : "from", declared.lowest, value);
  return value;
}

// Element i of the output is draw(stream of i).
template <typename F>
void fill(const OpCall& call, int64_t begin, int64_t end, const F& draw) {
  constexpr int64_t block = 256;
  const Tensor& out = call.out[0];
  const auto store = simd::store_function<double>(out.dtype);
  const kernels::Philox stream = stream_of(call);
  double values[block];
  for (int64_t at = begin; at < end; at += block) {
    const int64_t n = std::min(block, end - at);
    for (int64_t i = 0; i < n; ++i) {
      ElementStream element(stream, static_cast<uint64_t>(at + i));
      values[i] = draw(element);
    }
    store(values, out.address + at * size_of(out.dtype), static_cast<size_t>(n));
  }
}

void array_kernel(const Distribution& d, const OpCall& call) {
  const double first = parameter(call, d, 0);
  const double second = d.parameters.size() > 1 ? parameter(call, d, 1) : 0;
  constexpr int64_t share = 1 << 14;
  const int64_t size = call.out[0].size();
  kernels::parallel_for((size + share - 1) / share, share * 32, [&](int64_t k) {
    fill(call, k * share, std::min(size, (k + 1) * share),
         [&](ElementStream& element) { return d.draw(element, first, second); });
  });
}

void sample_kernel(const Distribution& d, const OpCall& call) {
  const int64_t sets = call.in[0].size(), each = sets ? call.out[0].size() / sets : 0;
  kernels::parallel_for(sets, each * 32, [&](int64_t k) {
    double value[2] = {};
    for (size_t i = 0; i < call.in.size(); ++i)
      simd::load_function<double>(call.in[i].dtype)(
          call.in[i].address + k * size_of(call.in[i].dtype), &value[i], 1);
    fill(call, k * each, (k + 1) * each,
         [&](ElementStream& element) { return d.draw(element, value[0], value[1]); });
  });
}

struct SampleParameters : Parameters {
  Shape shape;
  DType dtype = DType::none;
  static void declare(Fields<SampleParameters>& f) {
    f.field("shape", &SampleParameters::shape)
        .fallback("()")
        .doc("Shape of the numbers drawn for each element.");
    f.choice("dtype", &SampleParameters::dtype, dtype_choices(DTypeSet::sampled))
        .fallback("None")
        .doc("Element type; float32 by default.");
  }
};

void sample_shape(ShapeContext& context) {
  const int last = static_cast<int>(context.in.size()) - 1;
  context.set_in(0, context.in[static_cast<size_t>(last)]);
  context.set_in(last, context.in[0]);
  if (context.in[0].ndim() < 0) return;
  Shape result = context.in[0];
  for (int64_t n : context.params<SampleParameters>().shape) result.push_back(n);
  context.set_out(0, result);
}

void sample_type(TypeContext& context) {
  const int last = static_cast<int>(context.in.size()) - 1;
  context.set_in(0, context.in[static_cast<size_t>(last)]);
  context.set_in(last, context.in[0]);
  const DType asked = context.params<SampleParameters>().dtype;
  context.set_out(0, asked == DType::none ? DType::float32 : asked);
}

ParameterSpec spec_of(const Distribution& d, bool array) {
  using P = DistributionParameters;
  Fields<P> f;
  for (size_t i = 0; i < d.parameters.size(); ++i) {
    const Parameter& p = d.parameters[i];
    if (p.integer)
      f.field(p.name, &P::count).fallback("1").doc(p.doc);
    else
      f.field(p.name, i ? &P::second_value : &P::first_value).fallback("1").doc(p.doc);
  }
  if (array) declare_array(f, DTypeSet::sampled);
  return {std::move(f.fields), [] { return std::make_shared<P>(); }};
}

void declare_arrays(const std::shared_ptr<const Distribution>& d) {
  const std::string name = d->name;
  Sample numbers;  // parameters in the middle of their ranges
  for (size_t i = 0; i < d->parameters.size(); ++i) {
    const double middle = (d->ranges[i].first + d->ranges[i].second) / 2;
    numbers.attributes[d->parameters[i].name] =
        d->parameters[i].integer ? "3" : print_value(middle);
  }
  Sample like = numbers;
  like.shapes = {{3, 5}};
  numbers.attributes["shape"] = "(3, 5)";
  const auto kernel = [d](const OpCall& call) { array_kernel(*d, call); };
  OpBuilder(std::string("_random_") + name, spec_of(*d, true))
      .alias({"random_" + name})
      .doc(d->doc)
      .inputs(std::vector<std::string>{})
      .shape(array_shape)
      .type([](TypeContext& c) { array_type(c, DType::float32); })
      .no_gradient()
      .random()
      .implement("philox", kernel)
      .sample(std::move(numbers));
  OpBuilder("_random_" + name + "_like", spec_of(*d, false))
      .doc(fmt::format("{} In the shape and type of the input.", d->doc))
      .inputs({"data"})
      .shape(same_shape)
      .type(same_type)
      .no_gradient()
      .random()
      .implement("philox", kernel)
      .inplace({{0, 0}})
      .sample(std::move(like));
}

void declare_samples(const std::shared_ptr<const Distribution>& d) {
  std::vector<std::string> inputs;
  for (const Parameter& p : d->parameters) inputs.emplace_back(p.name);
  op<SampleParameters>(std::string("_sample_") + d->name)
      .alias({std::string("sample_") + d->name})
      .doc(fmt::format("{} A distribution for each element of the inputs.", d->doc))
      .inputs(inputs)
      .shape(sample_shape)
      .type(sample_type)
      .no_gradient()
      .random()
      .implement("philox", [d](const OpCall& call) { sample_kernel(*d, call); })
      .sample({.shapes = std::vector<Shape>(inputs.size(), Shape{3}),
               .attributes = {{"shape", "(2, 4)"}},
               .ranges = d->ranges});
}

std::shared_ptr<const Distribution> shared(Distribution d) {
  return std::make_shared<const Distribution>(std::move(d));
}

}  // namespace

GEMEL_OPERATORS(distributions) {
  declare_samples(shared(
      {"uniform",
       "Evenly distributed numbers from low to high.",
       {{"low", "Lowest value.", 0, false}, {"high", "End of the range.", 0, false}},
       [](ElementStream& s, double low, double high) { return low + (high - low) * s.uniform(); },
       {{0, 1}, {2, 3}}}));
  declare_samples(shared({"normal",
                          "Normally distributed numbers.",
                          {{"mu", "Mean.", 0, false}, {"sigma", "Standard deviation.", 0, true}},
                          [](ElementStream& s, double mean, double deviation) {
                            return mean + deviation * s.normal();
                          },
                          {{0, 1}, {2, 3}}}));
  const std::initializer_list<Distribution> both = {
      {"exponential",
       "Exponentially distributed numbers.",
       {{"lam", "Rate: 1 / mean.", 0, true}},
       [](ElementStream& s, double rate, double) { return kernels::draw_exponential(s, rate); },
       {{0.5, 2}}},
      {"gamma",
       "Gamma distributed numbers.",
       {{"alpha", "Shape.", 0, true}, {"beta", "Scale.", 0, true}},
       kernels::draw_gamma,
       {{0.5, 2}, {1, 2}}},
      {"poisson",
       "Poisson distributed numbers.",
       {{"lam", "Mean.", 0, false}},
       [](ElementStream& s, double mean, double) { return kernels::draw_poisson(s, mean); },
       {{1, 20}}},
      {"negative_binomial",
       "Failures before k successes of probability p.",
       {{"k", "Number of successes.", 0, false, true}, {"p", "Probability of a success.", 0, true}},
       kernels::draw_negative_binomial,
       {{2, 5}, {0.2, 0.8}}},
      {"generalized_negative_binomial",
       "Poisson numbers whose mean is gamma distributed.",
       {{"mu", "Mean.", 0, false},
        {"alpha", "Dispersion: variance is mu + alpha * mu^2.", 0, false}},
       kernels::draw_generalized_negative_binomial,
       {{2, 5}, {0.2, 0.8}}}};
  for (const Distribution& d : both) {
    const auto one = shared(d);
    declare_arrays(one);
    declare_samples(one);
  }
}

}  // namespace gemel
