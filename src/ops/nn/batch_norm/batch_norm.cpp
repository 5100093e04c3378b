#include "ops/nn/batch_norm/batch_norm.h"

#include "op/gradient.h"
#include "op/registry.h"
#include "ops/nn/batch_norm/normalize.h"

namespace gemel {

void BatchNormParameters::declare(Fields<BatchNormParameters>& f) {
  using P = BatchNormParameters;
  f.field("eps", &P::eps).fallback("0.0010000000474974513").doc("Added to the variance.");
  f.field("momentum", &P::momentum)
      .fallback("0.899999976")
      .doc("What the moving statistics keep of themselves.");
  f.field("fix_gamma", &P::fix_gamma)
      .fallback("1")
      .doc("Take gamma as ones, with a gradient of zeros.");
  f.field("use_global_stats", &P::use_global_stats)
      .fallback("0")
      .doc("Use the moving statistics in training too.");
  f.field("output_mean_var", &P::output_mean_var)
      .fallback("0")
      .doc("Show the mean and the inverse deviation as outputs.");
  f.field("axis", &P::axis).fallback("1").doc("The channel axis.");
  f.field("cudnn_off", &P::cudnn_off).fallback("0").doc("Accepted and ignored on CPUs.");
  f.field("min_calib_range", &P::min_calib_range)
      .fallback("None")
      .doc("Accepted for quantised models.");
  f.field("max_calib_range", &P::max_calib_range)
      .fallback("None")
      .doc("Accepted for quantised models.");
}

namespace batch_norm_op {
namespace {

// The first version: along axis 1, with eps as a float.
struct BatchNormV1Parameters : BatchNormParameters {
  static void declare(Fields<BatchNormV1Parameters>& f) {
    using V = BatchNormV1Parameters;
    using B = BatchNormParameters;
    f.field("eps", static_cast<double V::*>(&B::eps))
        .fallback("0.00100000005")
        .doc("Added to the variance.")
        .type = "float";
    f.field("momentum", static_cast<float V::*>(&B::momentum))
        .fallback("0.899999976")
        .doc("What the moving statistics keep of themselves.");
    f.field("fix_gamma", static_cast<bool V::*>(&B::fix_gamma))
        .fallback("1")
        .doc("Take gamma as ones, with a gradient of zeros.");
    f.field("use_global_stats", static_cast<bool V::*>(&B::use_global_stats))
        .fallback("0")
        .doc("Use the moving statistics in training too.");
    f.field("output_mean_var", static_cast<bool V::*>(&B::output_mean_var))
        .fallback("0")
        .doc("Show the mean and the inverse deviation as outputs.");
  }
  BatchNormV1Parameters() {
    axis = 1;
    cudnn_off = false;
  }
};
using P = BatchNormParameters;

enum Input { data, gamma, beta, moving_mean, moving_variance };
enum Output { out, mean, inverse_deviation };

void forward_shape(ShapeContext& c) {
  const auto& p = c.params<P>();
  c.set_out(out, c.in[data]);
  c.set_in(data, c.out[out]);
  if (c.in[data].ndim() < 0) return;
  const int axis = normalize_axis(p.axis, c.in[data].ndim(), c.op.name());
  const Shape channels = {c.in[data][axis]};
  for (int i = gamma; i <= moving_variance; ++i) c.set_in(i, channels);
  c.set_out(mean, channels);
  c.set_out(inverse_deviation, channels);
}

// Halves have float parameters and statistics.
DType parameter_type(DType dtype) { return is_half(dtype) ? DType::float32 : dtype; }

void forward_type(TypeContext& c) {
  c.set_out(out, c.in[data]);
  c.set_in(data, c.out[out]);
  const DType dtype = c.in[data];
  if (dtype == DType::none) return;
  GEMEL_CHECK(is_floating(dtype), "[{}] expected a floating-point dtype, got {}", c.op.name(),
              name_of(dtype));
  for (int i = gamma; i <= moving_variance; ++i) c.set_in(i, parameter_type(dtype));
  c.set_out(mean, parameter_type(dtype));
  c.set_out(inverse_deviation, parameter_type(dtype));
}

ChannelGeometry geometry(const P& p, const Tensor& x) {
  return ChannelGeometry::along(x.dtype, x.shape,
                                normalize_axis(p.axis, x.shape.ndim(), "BatchNorm"), p.eps);
}

void forward(const OpCall& c) {
  const auto& p = c.params<P>();
  const ChannelGeometry g = geometry(p, c.in[data]);
  const void* factors = p.fix_gamma ? nullptr : c.in[gamma].address;
  if (c.training && !p.use_global_stats)
    return normalize_batch(g, c.in[data].address, factors, c.in[beta].address, c.out[mean].address,
                           c.out[inverse_deviation].address, c.out[out].address);
  std::memcpy(c.out[mean].address, c.in[moving_mean].address, c.out[mean].bytes());
  inverse_deviations(g, c.in[moving_variance].address, c.out[inverse_deviation].address);
  normalize_channels(g, c.in[data].address, c.out[mean].address, c.out[inverse_deviation].address,
                     factors, c.in[beta].address, c.out[out].address);
}

// The moving statistics move with the backward pass, as in 1.9.1.
std::vector<Entry> forward_gradient(const GradientContext& c) {
  const std::vector<Entry> all = [&] {
    const Entry dx = c.make("_backward_BatchNorm",
                            {c.dy(out), c.in(data), c.in(gamma), c.out(mean),
                             c.out(inverse_deviation), c.in(moving_mean), c.in(moving_variance)},
                            c.node.parameters);
    return std::vector<Entry>{dx, Entry{dx.node, 1, 0}, Entry{dx.node, 2, 0}, Entry{}, Entry{}};
  }();
  return all;
}

// Only the normalisation: the statistics are small and kept.
std::vector<Entry> forward_again(const GradientContext& c) {
  return {c.make("_backward_BatchNorm_again",
                 {c.in(data), c.in(gamma), c.in(beta), c.out(mean), c.out(inverse_deviation)},
                 c.node.parameters)};
}

namespace apply {
enum Input { data, gamma, beta, mean, inverse_deviation };

void shape(ShapeContext& c) {
  c.set_out(0, c.in[data]);
  c.set_in(data, c.out[0]);
}

void type(TypeContext& c) {
  c.set_out(0, c.in[data]);
  c.set_in(data, c.out[0]);
}

void kernel(const OpCall& c) {
  const auto& p = c.params<P>();
  normalize_channels(geometry(p, c.in[data]), c.in[data].address, c.in[mean].address,
                     c.in[inverse_deviation].address, p.fix_gamma ? nullptr : c.in[gamma].address,
                     c.in[beta].address, c.out[0].address);
}
}  // namespace apply

namespace backward {
enum Input { dy, data, gamma, mean, inverse_deviation, moving_mean, moving_variance };

void shape(ShapeContext& c) {
  c.set_out(0, c.in[data]);
  c.set_out(1, c.in[gamma]);
  c.set_out(2, c.in[gamma]);
}

void type(TypeContext& c) {
  if (c.in[data] == DType::none) return;
  c.set_out(0, c.in[data]);
  c.set_out(1, parameter_type(c.in[data]));
  c.set_out(2, parameter_type(c.in[data]));
}

void kernel(const OpCall& c) {
  const auto& p = c.params<P>();
  const ChannelGeometry g = geometry(p, c.in[data]);
  const bool moves = c.training && !p.use_global_stats;
  normalize_channels_backward(g, moves, c.in[dy].address, c.in[data].address, c.in[mean].address,
                              c.in[inverse_deviation].address,
                              p.fix_gamma ? nullptr : c.in[gamma].address, c.out[0].address,
                              c.out[1].address, c.out[2].address);
  if (moves && g.outer * g.inner > 0)
    move_statistics(g, p.momentum, c.in[mean].address, c.in[inverse_deviation].address,
                    c.in[moving_mean].address, c.in[moving_variance].address);
}

// The same as an expression, to be differentiated again: the statistics of a batch are functions of
// its data there. Halves are computed in the type of gamma.
std::vector<Entry> expression(const GradientContext& c, const std::vector<Entry>& in) {
  const auto& p = c.params<P>();
  const Attributes channel = {{"axis", fmt::format("({},)", p.axis)}, {"exclude", "1"}};
  const auto call = [&](const char* op, std::vector<Entry> inputs, const Attributes& a = {}) {
    return c.make(op, std::move(inputs), a);
  };
  const auto add = [&](Entry a, Entry b) { return call("elemwise_add", {a, b}); };
  const auto sub = [&](Entry a, Entry b) { return call("elemwise_sub", {a, b}); };
  const auto mul = [&](Entry a, Entry b) { return call("elemwise_mul", {a, b}); };
  const Entry x = call("_cast_like", {in[data], in[gamma]}),
              head = call("_cast_like", {in[dy], in[gamma]});
  const auto average = [&](Entry value) { return call("mean", {value}, channel); };
  const auto spread = [&](Entry value) { return call("_spread", {value, x}, channel); };
  // Of each channel: the batch's in training, else the given one.
  const Entry training = c.make("_batch_statistics", {in[gamma]}, c.node.parameters, 0);
  const auto choose = [&](Entry batch, Entry given) {
    return call("where", {training, batch, given});
  };
  const Entry center = average(x);
  const Entry variance = average(call("square", {sub(x, spread(center))}));
  const Attributes epsilon = {{"scalar", fmt::format("{:.17g}", p.eps)}};
  const Entry deviation =
      choose(call("rsqrt", {call("_plus_scalar", {variance}, epsilon)}), in[inverse_deviation]);
  const Entry scale = spread(deviation);
  const Entry normal = mul(sub(x, spread(choose(center, in[mean]))), scale);
  const Entry zero = call("zeros_like", {in[mean]});
  const Entry projected = mul(head, normal);
  const Entry rest = add(spread(choose(average(head), zero)),
                         mul(normal, spread(choose(average(projected), zero))));
  Entry dx = mul(sub(head, rest), scale);
  if (!p.fix_gamma) dx = mul(dx, spread(in[gamma]));
  return {call("_cast_like", {dx, in[data]}),
          p.fix_gamma ? Entry{} : call("sum", {projected}, channel), call("sum", {head}, channel)};
}

std::vector<Entry> gradient(const GradientContext& c) {
  std::vector<Entry> all = gradient_by_expression(
      c, gamma + 1, [&](const std::vector<Entry>& in) { return expression(c, in); });
  all.resize(c.node.inputs.size());  // none flows into the statistics
  return all;
}
}  // namespace backward

template <typename Declared>
OpBuilder declare(std::string name) {
  OpBuilder builder = op<Declared>(std::move(name));
  builder.inputs({"data", "gamma", "beta"})
      .auxiliary({{"moving_mean", {{"__init__", "[\"zero\", {}]"}}},
                  {"moving_var", {{"__init__", "[\"one\", {}]"}}}})
      .outputs({"output", "mean", "var"}, 1)
      .shape(forward_shape)
      .type(forward_type)
      .gradient(forward_gradient)
      .recompute(forward_again)
      .training_dependent()
      .per_sample<P>(
          [](const P& p) { return p.axis > 0 ? std::vector<int>{data} : std::vector<int>{}; })
      .implement("reference", forward)
      .inplace({{data, out}})
      .info()
      .visible_outputs = [](const Parameters& p) {
    return static_cast<const P&>(p).output_mean_var ? 3 : 1;
  };
  return builder;
}

}  // namespace

GEMEL_OPERATORS(batch_norm) {
  declare<P>("BatchNorm")
      .doc(
          "Normalises each channel to mean 0 and deviation 1, then scales by gamma and shifts by "
          "beta. "
          "Training uses the statistics of the batch, and its backward pass moves `moving_mean` "
          "and "
          "`moving_var` towards them; prediction uses the moving ones. With `output_mean_var` the "
          "mean "
          "and 1 / sqrt(variance + eps) are outputs too; no gradient flows through them.")
      .sample({.shapes = {{2, 3, 4, 5}, {3}, {3}, {3}, {3}},
               .attributes = {{"fix_gamma", "False"}},
               .ranges = {{-1, 1}, {0.5, 2}, {-1, 1}, {-1, 1}, {0.5, 2}}})
      .sample({.shapes = {{4, 3}, {3}, {3}, {3}, {3}},
               .attributes = {{"eps", "0.01"}},
               .ranges = {{-1, 1}, {0.5, 2}, {-1, 1}, {-1, 1}, {0.5, 2}}})
      .sample({.shapes = {{2, 3, 4}, {4}, {4}, {4}, {4}},
               .attributes = {{"axis", "-1"}, {"fix_gamma", "False"}},
               .ranges = {{-1, 1}, {0.5, 2}, {-1, 1}, {-1, 1}, {0.5, 2}}})
      .sample({.shapes = {{2, 3, 4}, {3}, {3}, {3}, {3}},
               .attributes = {{"use_global_stats", "True"}, {"fix_gamma", "False"}},
               .ranges = {{-1, 1}, {0.5, 2}, {-1, 1}, {-1, 1}, {0.5, 2}}});
  declare<BatchNormV1Parameters>("BatchNorm_v1")
      .doc("BatchNorm as the first version had it, along axis 1.")
      .sample({.shapes = {{2, 3, 4, 5}, {3}, {3}, {3}, {3}},
               .attributes = {{"fix_gamma", "False"}},
               .ranges = {{-1, 1}, {0.5, 2}, {-1, 1}, {-1, 1}, {0.5, 2}}});

  op<P>("_backward_BatchNorm_again")
      .doc("What BatchNorm gives for data whose statistics are known.")
      .inputs({"data", "gamma", "beta", "mean", "inverse_deviation"})
      .shape(apply::shape)
      .type(apply::type)
      .no_gradient()
      .implement("reference", apply::kernel)
      .inplace({{apply::data, 0}});

  OpBuilder statistics = op<P>("_batch_statistics");
  statistics.doc("For each channel 1 where BatchNorm uses the batch's statistics, else 0.")
      .inputs({"gamma"})
      .shape(same_shape)
      .type(same_type)
      .training_dependent()
      .shape_only({0})
      .no_gradient()
      .implement("fill", [](const OpCall& c) {
        const bool batch = c.training && !c.params<P>().use_global_stats;
        dispatch(c.out[0].dtype, [&]<typename T>(Type<T>) {
          std::fill_n(c.out[0].data<T>(), c.out[0].size(), static_cast<T>(batch ? 1.f : 0.f));
        });
      });
  statistics.info().hidden = true;

  op<P>("_backward_BatchNorm")
      .doc("Gradient of BatchNorm; in training it also moves the moving statistics.")
      .inputs({"dy", "data", "gamma", "mean", "inverse_deviation", "moving_mean", "moving_var"})
      .outputs({"data", "gamma", "beta"}, 3)
      .shape(backward::shape)
      .type(backward::type)
      .training_dependent()
      .gradient(backward::gradient)
      .mutates({backward::moving_mean, backward::moving_variance})
      .implement("reference", backward::kernel)
      .inplace({{backward::dy, 0}});
}

}  // namespace batch_norm_op
}  // namespace gemel
