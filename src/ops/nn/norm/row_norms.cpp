// LayerNorm, GroupNorm and InstanceNorm: rows of different extent, one kernel and one gradient.
#include "kernels/norm/row_norm.h"
#include "op/formula.h"
#include "op/registry.h"
#include "ops/floating_type.h"

namespace gemel::row_norms_op {
namespace {

using kernels::RowNorm;

enum Input { data, gamma, beta };
enum Output { out, mean, deviation };

struct LayerNormParameters : Parameters {
  int axis;
  float eps;
  bool output_mean_var;
  static void declare(Fields<LayerNormParameters>& f) {
    using P = LayerNormParameters;
    f.field("axis", &P::axis).fallback("-1").doc("The axis that is normalised.");
    f.field("eps", &P::eps).fallback("9.99999975e-06").doc("Added to the variance.");
    f.field("output_mean_var", &P::output_mean_var)
        .fallback("0")
        .doc("Show the mean and the deviation as outputs.");
  }
  RowNorm rows(const Tensor& x) const {
    const int a = normalize_axis(axis, x.shape.ndim(), "LayerNorm");
    return {x.dtype, x.shape.size(0, a), x.shape[a], x.shape.size(a + 1, x.shape.ndim()), 0, eps};
  }
  // Along the axis, which is moved to the end.
  std::vector<Entry> value(const GradientContext& c, const std::vector<Entry>& in) const;
};

struct GroupNormParameters : Parameters {
  int num_groups;
  float eps;
  bool output_mean_var;
  static void declare(Fields<GroupNormParameters>& f) {
    using P = GroupNormParameters;
    f.field("num_groups", &P::num_groups)
        .fallback("1")
        .range(1, 2147483647)
        .doc("Groups of neighbouring channels that are normalised together.");
    f.field("eps", &P::eps).fallback("9.99999975e-06").doc("Added to the variance.");
    f.field("output_mean_var", &P::output_mean_var)
        .fallback("0")
        .doc("Show the mean and the deviation as outputs.");
  }
  RowNorm rows(const Tensor& x) const {
    const int64_t count = x.shape[0] * num_groups;
    return {x.dtype, count, count > 0 ? x.shape.size() / count : 0, 1, num_groups, eps};
  }
  std::vector<Entry> value(const GradientContext& c, const std::vector<Entry>& in) const;
};

struct InstanceNormParameters : Parameters {
  float eps;
  static constexpr bool output_mean_var = false;
  static void declare(Fields<InstanceNormParameters>& f) {
    f.field("eps", &InstanceNormParameters::eps)
        .fallback("0.00100000005")
        .doc("Added to the variance.");
  }
  RowNorm rows(const Tensor& x) const {
    return {x.dtype, x.shape[0] * x.shape[1], x.shape.size(2, x.shape.ndim()), 1, x.shape[1], eps};
  }
  std::vector<Entry> value(const GradientContext& c, const std::vector<Entry>& in) const;
};

// (x - mean) / sqrt(variance + eps) over the last axis.
Entry standardized(const GradientContext& c, const Entry& x, float eps) {
  const Attributes last = {{"axis", "-1"}, {"keepdims", "True"}};
  const Entry centred = c.make("broadcast_sub", {x, c.make("mean", {x}, last)});
  const Entry variance = c.make("mean", {c.make("square", {centred})}, last);
  const Entry inverse =
      c.make("rsqrt", {c.make("_plus_scalar", {variance}, {{"scalar", print_value(double(eps))}})});
  return c.make("broadcast_mul", {centred, inverse});
}
Entry affine(const GradientContext& c, const Entry& x, const Entry& scale, const Entry& shift) {
  return c.make("broadcast_add", {c.make("broadcast_mul", {x, scale}), shift});
}

std::vector<Entry> LayerNormParameters::value(const GradientContext& c,
                                              const std::vector<Entry>& in) const {
  const Attributes swap = {{"dim1", print_value(axis)}, {"dim2", "-1"}};
  const Entry x = axis == -1 ? in[data] : c.make("swapaxes", {in[data]}, swap);
  // gamma and beta meet the last axis.
  const Entry y = affine(c, standardized(c, x, eps), in[gamma], in[beta]);
  return {axis == -1 ? y : c.make("swapaxes", {y}, swap)};
}

// (batch, factors, elements), then back to the shape of data.
std::vector<Entry> by_channel(const GradientContext& c, const std::vector<Entry>& in, float eps,
                              const Attributes& rows) {
  const Attributes column = {{"shape", "(-1, 1)"}};
  const Entry y =
      affine(c, standardized(c, c.make("reshape", {in[data]}, rows), eps),
             c.make("reshape", {in[gamma]}, column), c.make("reshape", {in[beta]}, column));
  return {c.make("reshape_like", {y, in[data]})};
}
std::vector<Entry> GroupNormParameters::value(const GradientContext& c,
                                              const std::vector<Entry>& in) const {
  return by_channel(c, in, eps, {{"shape", "(0, " + print_value(num_groups) + ", -1)"}});
}
std::vector<Entry> InstanceNormParameters::value(const GradientContext& c,
                                                 const std::vector<Entry>& in) const {
  return by_channel(c, in, eps, {{"shape", "(0, 0, -1)"}});
}

void share_data_shape(ShapeContext& c) {
  c.set_out(out, c.in[data]);
  c.set_in(data, c.out[out]);
}
void set_factors(ShapeContext& c, int64_t count) {
  c.set_in(gamma, {count});
  c.set_in(beta, {count});
}
void set_statistics(ShapeContext& c, const Shape& shape) {
  c.set_out(mean, shape);
  c.set_out(deviation, shape);
}

void layer_shape(ShapeContext& c) {
  share_data_shape(c);
  Shape shape = c.in[data];
  if (shape.ndim() < 0) return;
  const int axis = normalize_axis(c.params<LayerNormParameters>().axis, shape.ndim(), c.op.name());
  set_factors(c, shape[axis]);
  shape[axis] = 1;
  set_statistics(c, shape);
}

void group_shape(ShapeContext& c) {
  share_data_shape(c);
  const Shape& shape = c.in[data];
  const int64_t groups = c.params<GroupNormParameters>().num_groups;
  set_factors(c, groups);
  if (shape.ndim() < 0) return;
  GEMEL_CHECK(shape.ndim() >= 3, "[{}] expected data of at least 3 axes, got {}", c.op.name(),
              shape);
  GEMEL_CHECK(shape[1] < 0 || shape[1] % groups == 0,
              "[{}] expected channels divisible by num_groups {}, got {} in data {}", c.op.name(),
              groups, shape[1], shape);
  set_statistics(c, {shape[0], groups});
}

void instance_shape(ShapeContext& c) {
  share_data_shape(c);
  const Shape& shape = c.in[data];
  if (shape.ndim() < 0) return;
  GEMEL_CHECK(shape.ndim() >= 2, "[{}] expected data of at least 2 axes, got {}", c.op.name(),
              shape);
  set_factors(c, shape[1]);
  set_statistics(c, {shape[0], shape[1]});
}

template <typename P>
void forward(const OpCall& c) {
  kernels::row_norm(c.params<P>().rows(c.in[data]), c.in[data].address, c.in[gamma].address,
                    c.in[beta].address, c.out[out].address, c.out[mean].address,
                    c.out[deviation].address);
}

namespace backward {
enum Input { dy, data, gamma };

void shape(ShapeContext& c) {
  c.set_out(0, c.in[data]);
  c.set_out(1, c.in[gamma]);
  c.set_out(2, c.in[gamma]);
}

template <typename P>
void kernel(const OpCall& c) {
  kernels::row_norm_backward(c.params<P>().rows(c.in[data]), c.in[dy].address, c.in[data].address,
                             c.in[gamma].address, c.out[0].address, c.out[1].address,
                             c.out[2].address);
}

// The gradients of the forward formula, where beta, which they do not depend on, is gamma's.
template <typename P>
std::vector<Entry> formula(const GradientContext& c, const std::vector<Entry>& in) {
  static const Formula of_forward = differentiated(
      [](const GradientContext& context, const std::vector<Entry>& inputs) {
        return context.params<P>().value(context, inputs);
      },
      1, 3);
  return of_forward(c, {in[dy], in[data], in[gamma], c.make("zeros_like", {in[gamma]})});
}
}  // namespace backward

template <typename P>
OpBuilder declare(const std::string& name, const std::string& doc,
                  std::function<void(ShapeContext&)> shape) {
  op<P>("_backward_" + name)
      .doc("Gradient of " + name + ".")
      .inputs({"dy", "data", "gamma"})
      .outputs({"data", "gamma", "beta"}, 3)
      .shape(backward::shape)
      .gradient(gradient_of(backward::formula<P>))
      .implement("reference", backward::kernel<P>)
      .inplace({{backward::dy, 0}});
  OpBuilder builder = op<P>(name);
  builder.doc(doc)
      .inputs({"data", "gamma", "beta"})
      .outputs({"output", "mean", "std"}, 1)
      .shape(std::move(shape))
      .type(floating_type)
      .gradient([name](const GradientContext& c) {
        const NodeRef node =
            c.make("_backward_" + name, {c.dy(out), c.in(data), c.in(gamma)}, c.node.parameters)
                .node;
        return std::vector<Entry>{{node, 0, 0}, {node, 1, 0}, {node, 2, 0}};
      })
      .implement("reference", forward<P>)
      .inplace({{data, out}})
      .info()
      .visible_outputs = [](const Parameters& p) {
    return static_cast<const P&>(p).output_mean_var ? 3 : 1;
  };
  return builder;
}

constexpr std::pair<double, double> around_one = {0.5, 2};

}  // namespace

GEMEL_OPERATORS(row_norms) {
  const std::vector<std::pair<double, double>> ranges = {{-1, 1}, around_one, {-1, 1}};
  declare<LayerNormParameters>(
      "LayerNorm",
      "Normalises the elements along `axis` to mean 0 and deviation 1, then multiplies by gamma "
      "and adds beta, one of each for every position along the axis. With `output_mean_var` the "
      "mean and sqrt(variance + eps) are outputs too; no gradient flows through them.",
      layer_shape)
      .sample({.shapes = {{3, 5}, {5}, {5}}, .ranges = ranges})
      .sample({.shapes = {{2, 3, 4}, {3}, {3}}, .attributes = {{"axis", "1"}}, .ranges = ranges})
      .sample({.shapes = {{3, 21}, {21}, {21}}, .attributes = {{"eps", "0.01"}}, .ranges = ranges});
  declare<GroupNormParameters>(
      "GroupNorm",
      "Normalises groups of channels of each sample of data (batch, channel, space...) to mean 0 "
      "and deviation 1, then multiplies by gamma and adds beta, one of each for every group.",
      group_shape)
      .sample(
          {.shapes = {{2, 4, 3}, {2}, {2}}, .attributes = {{"num_groups", "2"}}, .ranges = ranges})
      .sample({.shapes = {{2, 3, 2, 3}, {1}, {1}}, .ranges = ranges});
  declare<InstanceNormParameters>(
      "InstanceNorm",
      "Normalises each channel of each sample of data (batch, channel, space...) to mean 0 and "
      "deviation 1, then multiplies by gamma and adds beta, one of each for every channel.",
      instance_shape)
      .sample({.shapes = {{2, 3, 4, 5}, {3}, {3}}, .ranges = ranges})
      .sample({.shapes = {{2, 3, 7}, {3}, {3}}, .attributes = {{"eps", "0.01"}}, .ranges = ranges});
}

}  // namespace gemel::row_norms_op
