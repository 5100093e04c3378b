#include "kernels/onednn/convolution.h"
#include "kernels/conv/direct.h"
#include "kernels/conv/patches.h"
#include "kernels/gemm/gemm.h"
#include "kernels/widen.h"
#include "op/registry.h"
#include "ops/floating_type.h"
#include "ops/nn/convolution/few_channels.h"
#include "ops/nn/convolution/one_by_one.h"
#include "ops/nn/convolution/parameters.h"
#include "ops/nn/convolution/winograd.h"

namespace gemel::convolution_op {
namespace {

using P = ConvolutionParameters;
using kernels::ConvolutionPass;

std::vector<std::string> input_names(const P& p) {
  if (p.no_bias) return {"data", "weight"};
  return {"data", "weight", "bias"};
}

void forward_shape(ShapeContext& c) {
  const auto& p = c.params<P>();
  const auto who = c.op.name();
  check_convolution(p, who);
  const int axes = p.kernel.ndim();
  Shape data = c.in[0];
  if (data.ndim() < 0) return;
  GEMEL_CHECK(data.ndim() == axes + 2,
              "[{}] expected data of {} axes (batch, channel, {} of space), got {}", who, axes + 2,
              axes, data);
  GEMEL_CHECK(data[1] < 0 || data[1] % p.num_group == 0,
              "[{}] expected channels divisible by num_group {}, got {} in data {}", who,
              p.num_group, data[1], data);
  Shape weight = {p.num_filter, data[1] < 0 ? -1 : data[1] / p.num_group};
  Shape out = {data[0], p.num_filter};
  for (int i = 0; i < axes; ++i) {
    weight.push_back(p.kernel[i]);
    const int64_t pad = p.pad.ndim() > 0 ? 2 * p.pad[i] : 0,
                  stride = p.stride.ndim() > 0 ? p.stride[i] : 1;
    const int64_t room = data[i + 2] + pad - kernel_span(p, i);
    GEMEL_CHECK(data[i + 2] < 0 || room >= 0,
                "[{}] expected a kernel no larger than the padded data, got a span of {} over {} "
                "along axis {}",
                who, kernel_span(p, i), data[i + 2] + pad, i + 2);
    out.push_back(data[i + 2] < 0 ? -1 : room / stride + 1);
  }
  c.set_in(1, weight);
  if (!p.no_bias) c.set_in(2, {p.num_filter});
  c.set_out(0, out);
  // What the output tells about the data.
  if (c.out[0].ndim() < 0) return;
  data[0] = c.out[0][0];
  for (int i = 0; i < axes; ++i) {
    const bool dense = p.stride.ndim() <= 0 || p.stride[i] == 1;
    if (data[i + 2] < 0 && c.out[0][i + 2] >= 0 && dense)
      data[i + 2] = c.out[0][i + 2] - 1 + kernel_span(p, i) - (p.pad.ndim() > 0 ? 2 * p.pad[i] : 0);
  }
  c.set_in(0, data);
}

bool is_blas_type(const OpCall& c) { return kernels::blas_supports(c.out[0].dtype); }

// Forward: data, weight, bias -> out.
kernels::ConvolutionGeometry forward_geometry(const OpCall& c) {
  return convolution_geometry(c.params<P>(), c.in[0].shape, c.out[0].shape);
}
const void* bias_of(const OpCall& c) { return c.params<P>().no_bias ? nullptr : c.in[2].address; }

void forward_direct(const OpCall& c) {
  kernels::direct_convolution(c.out[0].dtype, forward_geometry(c), c.in[0].address, c.in[1].address,
                              bias_of(c), c.out[0].address);
}
void forward_patches(const OpCall& c) {
  kernels::patches_convolution(c.out[0].dtype, forward_geometry(c), c.in[0].address,
                               c.in[1].address, bias_of(c), c.out[0].address, c.workspace);
}

std::vector<Entry> forward_gradient(const GradientContext& c) {
  const auto& p = c.params<P>();
  const Entry dy = c.dy();
  std::vector<Entry> result = {
      c.make("_backward_Convolution_data", {dy, c.in(1), c.in(0)}, c.node.parameters),
      c.make("_backward_Convolution_weight", {dy, c.in(0)}, c.node.parameters)};
  if (!p.no_bias) result.push_back(Entry{result[1].node, 1, 0});
  return result;
}

// Gradient of data: dy, weight, data (for its shape only) -> dx.
kernels::ConvolutionGeometry data_geometry(const OpCall& c) {
  return convolution_geometry(c.params<P>(), c.out[0].shape, c.in[0].shape);
}
void data_direct(const OpCall& c) {
  kernels::direct_convolution_data(c.out[0].dtype, data_geometry(c), c.in[0].address,
                                   c.in[1].address, c.out[0].address);
}
void data_patches(const OpCall& c) {
  kernels::patches_convolution_data(c.out[0].dtype, data_geometry(c), c.in[0].address,
                                    c.in[1].address, c.out[0].address, c.workspace);
}

// Gradient of the parameters: dy, data -> dweight, dbias.
void weight_shape(ShapeContext& c) {
  const auto& p = c.params<P>();
  if (!p.no_bias) c.set_out(1, {p.num_filter});
  if (c.in[1].ndim() < 2) return;
  Shape weight = {p.num_filter, c.in[1][1] < 0 ? -1 : c.in[1][1] / p.num_group};
  for (int64_t k : p.kernel) weight.push_back(k);
  c.set_out(0, weight);
}
kernels::ConvolutionGeometry weight_geometry(const OpCall& c) {
  return convolution_geometry(c.params<P>(), c.in[1].shape, c.in[0].shape);
}
void bias_gradient(const OpCall& c, const kernels::ConvolutionGeometry& g) {
  if (!c.params<P>().no_bias)
    kernels::convolution_bias(c.in[0].dtype, g, c.in[0].address, c.out[1].address);
}
void weight_direct(const OpCall& c) {
  const auto g = weight_geometry(c);
  kernels::direct_convolution_weight(c.out[0].dtype, g, c.in[1].address, c.in[0].address,
                                     c.out[0].address);
  bias_gradient(c, g);
}
void weight_patches(const OpCall& c) {
  const auto g = weight_geometry(c);
  kernels::patches_convolution_weight(c.out[0].dtype, g, c.in[1].address, c.in[0].address,
                                      c.out[0].address, c.workspace);
  bias_gradient(c, g);
}

// The gradients are linear in each input; theirs are convolutions and each other.
Entry with(const GradientContext& c, std::string_view op, std::vector<Entry> inputs, bool no_bias) {
  auto p = std::make_shared<P>(c.params<P>());
  p->no_bias = no_bias;
  return c.make(op, std::move(inputs), p);
}
std::vector<Entry> data_gradient(const GradientContext& c) {
  const Entry head = c.dy();
  return {with(c, "Convolution", {head, c.in(1)}, true),
          with(c, "_backward_Convolution_weight", {c.in(0), head}, true), Entry{}};
}
std::vector<Entry> weight_gradient(const GradientContext& c) {
  const Entry head = c.dy(0);
  const bool no_bias = c.params<P>().no_bias || !c.head[1];
  std::vector<Entry> inputs = {c.in(1), head};
  if (!no_bias) inputs.push_back(c.head[1]);
  return {with(c, "Convolution", inputs, no_bias),
          with(c, "_backward_Convolution_data", {c.in(0), head, c.in(1)}, true)};
}

template <ConvolutionGeometryOf geometry>
Implementation patches(Kernel kernel) {
  return {.name = "patches",
          .kernel = std::move(kernel),
          .when = is_blas_type,
          .prepare = {},
          .workspace =
              [](const OpCall& c) { return geometry(c).patches_size() * size_of(c.out[0].dtype); },
          .small = false};
}

template <ConvolutionGeometryOf geometry, ConvolutionPass pass, bool rounded = false>
Implementation onednn() {
  const auto problem = [](const OpCall& c) {
    return kernels::onednn::ConvolutionProblem{pass, geometry(c), c.out[0].dtype,
                                               !c.params<P>().no_bias, rounded};
  };
  return {
      .name = rounded ? "onednn_bfloat16" : "onednn",
      .kernel = [problem](const OpCall& c) { kernels::onednn::run_convolution(problem(c), c); },
      .when = [problem](const OpCall& c) { return kernels::onednn::serves(problem(c)); },
      .prepare =
          [problem](const OpCall& c) { return kernels::onednn::prepare_convolution(problem(c)); },
      .workspace =
          [problem](const OpCall& c) {
            return kernels::onednn::convolution_workspace(problem(c), c.prepared);
          },
      .small = false};
}

// A product and a sum for each element of the result and each weight of its filter.
double operations(const OpCall& c) {
  const Shape& weight = c.in[1].shape;
  return 2.0 * static_cast<double>(c.out[0].size()) * static_cast<double>(weight.size()) /
         static_cast<double>(std::max<int64_t>(weight[0], 1));
}

// What computes a pass, by preference: the first whose predicate holds runs.
template <ConvolutionGeometryOf geometry, ConvolutionPass pass, void (*products)(const OpCall&),
          void (*plain)(const OpCall&)>
void implement(OpBuilder& builder) {
  builder.implement(kernels::widened())
      .implement(depthwise(geometry, pass))
      .implement(winograd_groups(geometry, pass))
      .implement(shifted(geometry, pass))
      .implement(winograd(geometry, pass))
      .implement(one_by_one(geometry, pass, true))
      .implement(one_by_one(geometry, pass))
      .implement(onednn<geometry, pass, true>())
      .implement(onednn<geometry, pass>())
      .implement(patches<geometry>(products))
      .implement("reference", plain);
}

template <typename Declared>
OpBuilder declare(std::string name) {
  OpBuilder builder = op<Declared>(std::move(name));
  builder
      .doc(
          "Convolution over one to three spatial axes. `data` is (batch, channel, space...), "
          "`weight` "
          "(num_filter, channel / num_group, kernel...), `bias` (num_filter,). Along each axis the "
          "result has floor((x + 2*pad - dilate*(kernel-1) - 1) / stride) + 1 elements.")
      .inputs<P>(&input_names)
      .shape(forward_shape)
      .type(floating_type)
      .gradient(forward_gradient)
      .operations(operations)
      .per_sample({0});
  implement<forward_geometry, ConvolutionPass::forward, forward_patches, forward_direct>(builder);
  return builder;
}

}  // namespace

GEMEL_OPERATORS(convolution) {
  declare<P>("Convolution")
      .sample({.shapes = {{2, 3, 7, 6}, {4, 3, 3, 3}, {4}},
               .attributes = {{"kernel", "(3, 3)"}, {"num_filter", "4"}}})
      .sample({.shapes = {{2, 3, 7, 6}, {4, 3, 3, 2}, {4}},
               .attributes = {{"kernel", "(3, 2)"},
                              {"num_filter", "4"},
                              {"stride", "(2, 1)"},
                              {"pad", "(1, 1)"}}})
      .sample({.shapes = {{1, 4, 7, 7}, {6, 2, 3, 3}},
               .attributes = {{"kernel", "(3, 3)"},
                              {"num_filter", "6"},
                              {"num_group", "2"},
                              {"dilate", "(2, 2)"},
                              {"no_bias", "True"}}})
      .sample({.shapes = {{2, 4, 5, 5}, {3, 4, 1, 1}, {3}},
               .attributes = {{"kernel", "(1, 1)"}, {"num_filter", "3"}}})
      .sample({.shapes = {{2, 3, 9}, {4, 3, 3}, {4}},
               .attributes = {{"kernel", "(3,)"},
                              {"num_filter", "4"},
                              {"stride", "(2,)"},
                              {"pad", "(1,)"},
                              {"dilate", "(2,)"}}})
      .sample({.shapes = {{1, 2, 4, 5, 3}, {3, 2, 2, 3, 2}, {3}},
               .attributes = {{"kernel", "(2, 3, 2)"}, {"num_filter", "3"}, {"pad", "(1, 0, 1)"}}})
      .sample({.shapes = {{1, 1, 1, 1}, {1, 1, 1, 1}, {1}},
               .attributes = {{"kernel", "(1, 1)"}, {"num_filter", "1"}}});
  declare<ConvolutionV1Parameters>("Convolution_v1")
      .sample({.shapes = {{2, 3, 7, 6}, {4, 3, 3, 2}, {4}},
               .attributes = {{"kernel", "(3, 2)"}, {"num_filter", "4"}, {"pad", "(1, 0)"}}});

  OpBuilder of_data = op<P>("_backward_Convolution_data");
  of_data.doc("Gradient of Convolution with respect to data.")
      .inputs({"dy", "weight", "data"})
      .shape_only({2})
      .shape([](ShapeContext& c) { c.set_out(0, c.in[2]); })
      .gradient(data_gradient);
  implement<data_geometry, ConvolutionPass::data, data_patches, data_direct>(of_data);

  OpBuilder of_weight = op<P>("_backward_Convolution_weight");
  of_weight.doc("Gradient of Convolution with respect to weight and bias.")
      .inputs({"dy", "data"})
      .outputs<P>([](const P& p) { return p.no_bias ? 1 : 2; })
      .shape(weight_shape)
      .gradient(weight_gradient);
  implement<weight_geometry, ConvolutionPass::weight, weight_patches, weight_direct>(of_weight);
}

}  // namespace gemel::convolution_op
