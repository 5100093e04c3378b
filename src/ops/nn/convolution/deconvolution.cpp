// Deconvolution: the gradient of a convolution by its data, as an operator. What a convolution
// calls its output is the data here, and the other way round; its kernels do all the work.
#include "kernels/conv/direct.h"
#include "kernels/conv/patches.h"
#include "kernels/gemm/gemm.h"
#include "kernels/onednn/convolution.h"
#include "kernels/parallel.h"
#include "kernels/widen.h"
#include "op/registry.h"
#include "ops/floating_type.h"
#include "ops/nn/convolution/parameters.h"

namespace gemel::deconvolution_op {
namespace {

using P = DeconvolutionParameters;
using kernels::ConvolutionGeometry;
using kernels::ConvolutionPass;

std::vector<std::string> input_names(const P& p) {
  if (p.no_bias) return {"data", "weight"};
  return {"data", "weight", "bias"};
}

bool has_target(const P& p) { return p.target_shape.ndim() > 0 && p.target_shape.size() != 0; }

// Elements that the data of length `size` span along an axis before padding is cut off.
int64_t full_size(const P& p, int axis, int64_t size) {
  return (size - 1) * (p.stride.ndim() > 0 ? p.stride[axis] : 1) + kernel_span(p, axis);
}
int64_t padding(const P& p, int axis, int64_t size) {
  if (has_target(p)) return (full_size(p, axis, size) - p.target_shape[axis] + 1) / 2;
  return p.pad.ndim() > 0 ? p.pad[axis] : 0;
}

void check(const P& p, std::string_view who) {
  check_convolution(p, who);
  const int axes = p.kernel.ndim();
  const Shape adj = per_axis(p.adj, axes, 0, "adj", who);
  per_axis(p.target_shape, axes, 0, "target_shape", who);
  for (int i = 0; i < axes; ++i)
    GEMEL_CHECK(adj[i] >= 0 && adj[i] < (p.stride.ndim() > 0 ? p.stride[i] : 1),
                "[{}] expected adj of at least 0 and less than the stride, got {}", who, adj);
}

void forward_shape(ShapeContext& c) {
  const auto& p = c.params<P>();
  const auto who = c.op.name();
  check(p, who);
  const int axes = p.kernel.ndim();
  const Shape data = c.in[0];
  if (!p.no_bias) c.set_in(2, {p.num_filter});
  if (data.ndim() < 0) return;
  GEMEL_CHECK(data.ndim() == axes + 2,
              "[{}] expected data of {} axes (batch, channel, {} of space), got {}", who, axes + 2,
              axes, data);
  GEMEL_CHECK(data[1] < 0 || data[1] % p.num_group == 0,
              "[{}] expected channels divisible by num_group {}, got {} in data {}", who,
              p.num_group, data[1], data);
  Shape weight = {data[1], p.num_filter / p.num_group}, out = {data[0], p.num_filter};
  for (int i = 0; i < axes; ++i) {
    weight.push_back(p.kernel[i]);
    const int64_t full = full_size(p, i, data[i + 2]);
    if (has_target(p)) {
      GEMEL_CHECK(data[i + 2] < 0 || full >= p.target_shape[i],
                  "[{}] expected a target_shape of at most {} along axis {}, got {}", who, full,
                  i + 2, p.target_shape);
      out.push_back(p.target_shape[i]);
      continue;
    }
    const int64_t size = full - 2 * padding(p, i, data[i + 2]) + (p.adj.ndim() > 0 ? p.adj[i] : 0);
    GEMEL_CHECK(data[i + 2] < 0 || size > 0,
                "[{}] expected padding smaller than the result, got pad {} for data {}", who, p.pad,
                data);
    out.push_back(data[i + 2] < 0 ? -1 : size);
  }
  c.set_in(1, weight);
  c.set_out(0, out);
  Shape known = data;
  known[0] = c.out[0][0];
  c.set_in(0, known);
}

// The convolution from `out` to `data`.
ConvolutionGeometry geometry(const P& p, const Shape& data, const Shape& out) {
  ConvolutionGeometry g = convolution_geometry(p, out, data);
  for (int i = 0; i < g.axes; ++i) g.pad[3 - g.axes + i] = padding(p, i, data[i + 2]);
  return g;
}

// Inputs of the three operators: data, weight[, bias]; dy, weight, data; data, dy.
ConvolutionGeometry forward_geometry(const OpCall& c) {
  return geometry(c.params<P>(), c.in[0].shape, c.out[0].shape);
}
ConvolutionGeometry data_geometry(const OpCall& c) {
  return geometry(c.params<P>(), c.out[0].shape, c.in[0].shape);
}
ConvolutionGeometry weight_geometry(const OpCall& c) {
  return geometry(c.params<P>(), c.in[0].shape, c.in[1].shape);
}

void add_bias(const OpCall& c) {
  if (c.params<P>().no_bias) return;
  const Tensor& out = c.out[0];
  dispatch_floating(out.dtype, c.op.name(), [&](auto type) {
    using T = typename decltype(type)::type;
    const int64_t channels = out.shape[1], space = out.shape.size(2, out.shape.ndim());
    kernels::parallel_for(out.shape[0] * channels, space, [&](int64_t plane) {
      const auto shift = static_cast<compute_type<T>>(c.in[2].data<T>()[plane % channels]);
      T* y = out.data<T>() + plane * space;
      for (int64_t i = 0; i < space; ++i)
        y[i] = static_cast<T>(static_cast<compute_type<T>>(y[i]) + shift);
    });
  });
}

// out: gradients of weight and bias; a convolution would sum its own dy, which is the data here.
void bias_gradient(const OpCall& c) {
  if (c.params<P>().no_bias) return;
  ConvolutionGeometry g = weight_geometry(c);
  g.out_channels = g.in_channels;
  for (int a = 0; a < 3; ++a) g.out[a] = g.in[a];
  kernels::convolution_bias(c.in[1].dtype, g, c.in[1].address, c.out[1].address);
}

void forward_direct(const OpCall& c) {
  kernels::direct_convolution_data(c.out[0].dtype, forward_geometry(c), c.in[0].address,
                                   c.in[1].address, c.out[0].address);
}
void forward_patches(const OpCall& c) {
  kernels::patches_convolution_data(c.out[0].dtype, forward_geometry(c), c.in[0].address,
                                    c.in[1].address, c.out[0].address, c.workspace);
}
void data_direct(const OpCall& c) {
  kernels::direct_convolution(c.out[0].dtype, data_geometry(c), c.in[0].address, c.in[1].address,
                              nullptr, c.out[0].address);
}
void data_patches(const OpCall& c) {
  kernels::patches_convolution(c.out[0].dtype, data_geometry(c), c.in[0].address, c.in[1].address,
                               nullptr, c.out[0].address, c.workspace);
}
void weight_direct(const OpCall& c) {
  kernels::direct_convolution_weight(c.out[0].dtype, weight_geometry(c), c.in[1].address,
                                     c.in[0].address, c.out[0].address);
}
void weight_patches(const OpCall& c) {
  kernels::patches_convolution_weight(c.out[0].dtype, weight_geometry(c), c.in[1].address,
                                      c.in[0].address, c.out[0].address, c.workspace);
}

Entry with(const GradientContext& c, std::string_view op, std::vector<Entry> inputs, bool no_bias) {
  auto p = std::make_shared<P>(c.params<P>());
  p->no_bias = no_bias;
  return c.make(op, std::move(inputs), p);
}

std::vector<Entry> forward_gradient(const GradientContext& c) {
  const Entry dy = c.dy();
  std::vector<Entry> result = {
      c.make("_backward_Deconvolution_data", {dy, c.in(1), c.in(0)}, c.node.parameters),
      c.make("_backward_Deconvolution_weight", {c.in(0), dy}, c.node.parameters)};
  if (!c.params<P>().no_bias) result.push_back(Entry{result[1].node, 1, 0});
  return result;
}
// All three are linear in each input, so their gradients are each other.
std::vector<Entry> data_gradient(const GradientContext& c) {
  const Entry head = c.dy();
  return {with(c, "Deconvolution", {head, c.in(1)}, true),
          with(c, "_backward_Deconvolution_weight", {head, c.in(0)}, true), Entry{}};
}
std::vector<Entry> weight_gradient(const GradientContext& c) {
  const Entry head = c.dy(0);
  const bool no_bias = c.params<P>().no_bias || !c.head[1];
  std::vector<Entry> inputs = {c.in(0), head};
  if (!no_bias) inputs.push_back(c.head[1]);
  return {with(c, "_backward_Deconvolution_data", {c.in(1), head, c.in(0)}, true),
          with(c, "Deconvolution", inputs, no_bias)};
}

void weight_shape(ShapeContext& c) {
  const auto& p = c.params<P>();
  if (!p.no_bias) c.set_out(1, {p.num_filter});
  if (c.in[0].ndim() < 2) return;
  Shape weight = {c.in[0][1], p.num_filter / p.num_group};
  for (int64_t k : p.kernel) weight.push_back(k);
  c.set_out(0, weight);
}

using Also = void (*)(const OpCall&);

// The library's code, then matrix products, then plain loops; `also` deals with the bias.
template <ConvolutionGeometryOf geometry_of, ConvolutionPass pass, void (*products)(const OpCall&),
          void (*plain)(const OpCall&)>
void implement(OpBuilder& builder, Also also) {
  const auto problem = [](const OpCall& c) {
    return kernels::onednn::ConvolutionProblem{pass, geometry_of(c), c.out[0].dtype, false};
  };
  const auto followed = [also](const OpCall& c, auto&& kernel) {
    kernel(c);
    if (also) also(c);
  };
  builder.implement(kernels::widened());
  builder.implement(
      {.name = "onednn",
       .kernel =
           [=](const OpCall& c) {
             followed(c, [&](const OpCall&) { kernels::onednn::run_convolution(problem(c), c); });
           },
       .when = [=](const OpCall& c) { return kernels::onednn::serves(problem(c)); },
       .prepare = [=](const OpCall& c) { return kernels::onednn::prepare_convolution(problem(c)); },
       .workspace =
           [=](const OpCall& c) {
             return kernels::onednn::convolution_workspace(problem(c), c.prepared);
           },
       .small = false});
  builder.implement(
      {.name = "patches",
       .kernel = [=](const OpCall& c) { followed(c, products); },
       .when = [](const OpCall& c) { return kernels::blas_supports(c.out[0].dtype); },
       .prepare = {},
       .workspace =
           [](const OpCall& c) { return geometry_of(c).patches_size() * size_of(c.out[0].dtype); },
       .small = false});
  builder.implement("reference", [=](const OpCall& c) { followed(c, plain); });
}

}  // namespace

GEMEL_OPERATORS(deconvolution) {
  OpBuilder builder = op<P>("Deconvolution");
  builder
      .doc(
          "Transposed convolution over one to three spatial axes: what Convolution with this "
          "weight does to gradients. `data` is (batch, channel, space...), `weight` (channel, "
          "num_filter / num_group, kernel...), `bias` (num_filter,). Along each axis the result "
          "has "
          "stride*(x-1) + dilate*(kernel-1) + 1 - 2*pad + adj elements, or `target_shape`.")
      .inputs(&input_names)
      .shape(forward_shape)
      .type(floating_type)
      .gradient(forward_gradient)
      .operations([](const OpCall& c) {
        const Shape& weight = c.in[1].shape;
        return 2.0 * static_cast<double>(c.in[0].size()) * static_cast<double>(weight.size()) /
               static_cast<double>(std::max<int64_t>(weight[0], 1));
      })
      .sample({.shapes = {{2, 3, 4, 5}, {3, 4, 3, 3}},
               .attributes = {{"kernel", "(3, 3)"}, {"num_filter", "4"}}})
      .sample({.shapes = {{2, 3, 4, 5}, {3, 4, 3, 2}, {4}},
               .attributes = {{"kernel", "(3, 2)"},
                              {"num_filter", "4"},
                              {"stride", "(2, 3)"},
                              {"pad", "(1, 1)"},
                              {"adj", "(1, 2)"},
                              {"no_bias", "False"}}})
      .sample({.shapes = {{1, 4, 3, 3}, {4, 3, 3, 3}},
               .attributes = {{"kernel", "(3, 3)"},
                              {"num_filter", "6"},
                              {"num_group", "2"},
                              {"dilate", "(2, 2)"}}})
      .sample({.shapes = {{1, 2, 4, 5}, {2, 3, 4, 4}},
               .attributes = {{"kernel", "(4, 4)"},
                              {"num_filter", "3"},
                              {"stride", "(2, 2)"},
                              {"pad", "(1, 1)"},
                              {"target_shape", "(8, 10)"}}})
      .sample({.shapes = {{2, 3, 5}, {3, 4, 3}, {4}},
               .attributes = {{"kernel", "(3,)"},
                              {"num_filter", "4"},
                              {"stride", "(2,)"},
                              {"no_bias", "False"}}})
      .sample({.shapes = {{1, 2, 3, 2, 3}, {2, 3, 2, 3, 2}},
               .attributes = {{"kernel", "(2, 3, 2)"}, {"num_filter", "3"}}});
  implement<forward_geometry, ConvolutionPass::data, forward_patches, forward_direct>(builder,
                                                                                      add_bias);

  OpBuilder of_data = op<P>("_backward_Deconvolution_data");
  of_data.doc("Gradient of Deconvolution with respect to data.")
      .inputs({"dy", "weight", "data"})
      .shape_only({2})
      .shape([](ShapeContext& c) { c.set_out(0, c.in[2]); })
      .gradient(data_gradient);
  implement<data_geometry, ConvolutionPass::forward, data_patches, data_direct>(of_data, nullptr);

  OpBuilder of_weight = op<P>("_backward_Deconvolution_weight");
  of_weight.doc("Gradient of Deconvolution with respect to weight and bias.")
      .inputs({"data", "dy"})
      .outputs<P>([](const P& p) { return p.no_bias ? 1 : 2; })
      .shape(weight_shape)
      .gradient(weight_gradient);
  implement<weight_geometry, ConvolutionPass::weight, weight_patches, weight_direct>(of_weight,
                                                                                     bias_gradient);
}

}  // namespace gemel::deconvolution_op
