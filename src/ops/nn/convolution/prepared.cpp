#include "ops/nn/convolution/prepared.h"

#include "kernels/conv/blocked.h"
#include "kernels/conv/winograd.h"
#include "kernels/fpmath.h"
#include "kernels/parallel.h"
#include "op/blocked_form.h"
#include "op/registry.h"
#include "ops/floating_type.h"
#include "ops/nn/convolution/few_channels.h"
#include "ops/nn/convolution/winograd.h"

namespace gemel::convolution_op {
namespace {

using P = PreparedConvolutionParameters;
using kernels::ConvolutionGeometry;
using kernels::ConvolutionPass;
using kernels::WinogradSchedule;
using kernels::onednn::ConvolutionProblem;

// The weight.

WinogradSchedule weight_schedule(const P& p, const Shape& weight) {
  ConvolutionGeometry g;
  g.in_channels = weight[1];
  g.out_channels = weight[0];
  for (int a = 0; a < 2; ++a) g.kernel[a + 1] = weight[a + 2];
  return kernels::winograd_schedule(g, ConvolutionPass::forward, {.prepared = true});
}

void weight_shape(ShapeContext& c) {
  const auto& p = c.params<P>();
  if (p.algorithm == ConvolutionAlgorithm::library)
    return c.set_out(0, {(p.weight_layout->bytes() + 3) / 4});
  if (c.in[0].known()) c.set_out(0, {kernels::winograd_prepared_size(weight_schedule(p, c.in[0]))});
}

void prepare_weight(const OpCall& c) {
  const auto& p = c.params<P>();
  if (p.algorithm == ConvolutionAlgorithm::library)
    return p.weight_layout->lay_out(c.in[0].address, c.out[0].address);
  kernels::winograd_prepare_weight(weight_schedule(p, c.in[0].shape), c.in[0].data<const float>(),
                                   c.out[0].data<float>());
}

// The convolution.

std::vector<std::string> input_names(const P& p) {
  std::vector<std::string> names = {"data", "weight"};
  if (!p.no_bias) names.push_back("bias");
  if (p.residual) names.push_back("residual");
  return names;
}

// The data and the residual, which is last.
std::vector<int> cut_inputs(const P& p) {
  return p.residual ? std::vector<int>{0, p.no_bias ? 2 : 3} : std::vector<int>{0};
}

// A blocked array as the plain one that it stands for.
Shape as_plain(const Shape& s, bool blocked, int64_t channels) {
  return blocked && s.ndim() == 5 ? Shape({s[0], channels, s[2], s[3]}) : s;
}
Shape as_blocked(const Shape& s, bool blocked) {
  if (!blocked) return s;
  return {s[0], kernels::channel_blocks(s[1]), s[2], s[3], kernels::block_channels};
}

void shape(ShapeContext& c) {
  const auto& p = c.params<P>();
  const Shape data = as_plain(c.in[0], p.blocked_in, p.channels);
  if (data.ndim() < 0) return;
  Shape out = {data[0], p.num_filter};
  for (int i = 0; i < p.kernel.ndim(); ++i) {
    const int64_t pad = p.pad.ndim() > 0 ? 2 * p.pad[i] : 0,
                  stride = p.stride.ndim() > 0 ? p.stride[i] : 1;
    out.push_back(data[i + 2] < 0 ? -1 : (data[i + 2] + pad - kernel_span(p, i)) / stride + 1);
  }
  out = as_blocked(out, p.blocked_out);
  c.set_out(0, out);
  if (!p.no_bias) c.set_in(2, {p.num_filter});
  if (p.residual) c.set_in(static_cast<int>(c.in.size()) - 1, out);
}

ConvolutionGeometry geometry(const OpCall& c) {
  const auto& p = c.params<P>();
  return convolution_geometry(p, as_plain(c.in[0].shape, p.blocked_in, p.channels),
                              as_plain(c.out[0].shape, p.blocked_out, p.num_filter));
}

// As direct sums do them.
double operations(const OpCall& c) {
  const ConvolutionGeometry g = geometry(c);
  return 2.0 * static_cast<double>(c.out[0].size()) *
         static_cast<double>(g.group_in() * g.kernel_size());
}

struct PreparedSchedule : Prepared {
  WinogradSchedule schedule;
};
WinogradSchedule schedule_of(const OpCall& c) {
  if (c.prepared) return static_cast<const PreparedSchedule*>(c.prepared)->schedule;
  return kernels::winograd_schedule(geometry(c), ConvolutionPass::forward,
                                    {.threads = kernels::thread_count(),
                                     .prepared = true,
                                     .blocked_in = c.params<P>().blocked_in,
                                     .blocked_out = c.params<P>().blocked_out});
}

// The weight as it was: group of 16 output channels, input channel, tap, output channel, turned.
std::vector<float> plain_weight(const WinogradSchedule& s, const float* prepared) {
  constexpr int64_t group = 16;
  const int64_t taps = s.kernel * s.kernel, row = s.in_channels * taps;
  std::vector<float> weight(static_cast<size_t>(s.out_channels * row));
  for (int64_t o = 0; o < s.out_channels; ++o)
    for (int64_t i = 0; i < row; ++i)
      weight[static_cast<size_t>(o * row + i)] =
          prepared[(o / group * row + i) * group + o % group];
  return weight;
}

// Values near the limits of float32: as Convolution computes them, then what comes after.
void run_exactly(const WinogradSchedule& s, const OpCall& c) {
  const auto& p = c.params<P>();
  const ConvolutionGeometry g = geometry(c);
  const auto plain = [](const Tensor& t, bool blocked, int64_t channels, std::vector<float>& copy) {
    const Shape shape = as_plain(t.shape, blocked, channels);
    if (!blocked) return t;
    copy.resize(static_cast<size_t>(shape.size()));
    return Tensor(copy.data(), shape, t.dtype, t.device);
  };
  std::vector<float> weight = plain_weight(s, c.in[1].data<const float>()), data, result;
  std::vector<Tensor> in(c.in.begin(), c.in.begin() + (p.no_bias ? 2 : 3));
  in[0] = plain(c.in[0], p.blocked_in, g.in_channels, data);
  if (p.blocked_in)
    kernels::from_blocked(g.batch, g.in_channels, g.in_size(), c.in[0].data<const float>(),
                          data.data());
  in[1] = Tensor(weight.data(), {s.out_channels, s.in_channels, s.kernel, s.kernel}, DType::float32,
                 c.in[1].device);
  const Tensor made = plain(c.out[0], p.blocked_out, g.out_channels, result);
  exact_convolution({require_op("Convolution"), c.parameters, in, {&made, 1}});
  float* const out = c.out[0].data<float>();
  if (p.blocked_out) kernels::to_blocked(g.batch, g.out_channels, g.out_size(), result.data(), out);
  const float* const residual = p.residual ? c.in.back().data<const float>() : nullptr;
  for (int64_t i = 0; i < c.out[0].size(); ++i) {
    if (residual) out[i] += residual[i];
    if (p.relu && out[i] < 0) out[i] = 0;
  }
}

void run_winograd(const OpCall& c) {
  const auto& p = c.params<P>();
  const WinogradSchedule s = schedule_of(c);
  const kernels::ConvolutionEpilogue epilogue{
      .bias = p.no_bias ? nullptr : c.in[2].data<const float>(),
      .residual = p.residual ? c.in.back().data<const float>() : nullptr,
      .relu = p.relu};
  if (!kernels::winograd_convolution(s, c.in[0].data<const float>(), c.in[1].data<const float>(),
                                     epilogue, c.out[0].data<float>(), c.workspace))
    run_exactly(s, c);
}

ConvolutionProblem problem(const OpCall& c) {
  const auto& p = c.params<P>();
  return {.pass = ConvolutionPass::forward,
          .geometry = geometry(c),
          .dtype = c.out[0].dtype,
          .bias = !p.no_bias,
          .rounded = p.rounded,
          .layout = p.weight_layout.get(),
          .residual = p.residual,
          .relu = p.relu,
          .blocked_in = p.blocked_in,
          .blocked_out = p.blocked_out};
}

template <ConvolutionAlgorithm algorithm>
bool is(const OpCall& c) {
  return c.params<P>().algorithm == algorithm;
}

// The form over blocks. The library's order of the weight may differ from that of plain arrays.
bool reads_blocked(const BlockedNode& n, int input) {
  const auto& p = static_cast<const P&>(*n.node.parameters);
  const bool residual = p.residual && input + 1 == static_cast<int>(n.in.size());
  return residual || (input == 0 && n.in[0][1] >= layout_block);
}
Entry over_blocks(const BlockedContext& c) {
  auto p = std::make_shared<P>(static_cast<const P&>(*c.node.parameters));
  const int count = static_cast<int>(c.in.size());
  p->blocked_in = reads_blocked(c, 0) && c.has_blocks(0);
  p->blocked_out = c.blocked_out;
  p->channels = c.in[0][1];
  std::vector<Entry> inputs;
  for (int i = 0; i < count; ++i) {
    const bool residual = p->residual && i + 1 == count;
    inputs.push_back((residual ? p->blocked_out : i == 0 && p->blocked_in) ? c.blocked(i)
                                                                           : c.plain(i));
  }
  const Node& weight = *c.node.inputs[1].node;
  if (p->algorithm == ConvolutionAlgorithm::library && weight.op &&
      weight.op->name() == "_prepare_convolution_weight") {
    p->weight_layout =
        kernels::onednn::weight_layout({.pass = ConvolutionPass::forward,
                                        .geometry = convolution_geometry(*p, c.in[0], c.out),
                                        .dtype = DType::float32,
                                        .bias = !p->no_bias,
                                        .rounded = p->rounded,
                                        .blocked_in = p->blocked_in,
                                        .blocked_out = p->blocked_out});
    inputs[1] = {make_node(*weight.op, weight.name, weight.inputs, p), 0, 0};
  }
  const NodeRef node = make_node(*c.node.op, c.node.name, std::move(inputs), p);
  node->attributes = c.node.attributes;
  return {node, 0, 0};
}
// Float32 images, and a library that knows blocks of 16: also where groups have fewer channels?
bool has_blocks(const BlockedNode& n) {
  const auto& p = static_cast<const P&>(*n.node.parameters);
  if (n.in[0].ndim() != 4 || n.out.ndim() != 4) return false;
  if (p.algorithm == ConvolutionAlgorithm::winograd) return true;
  if (!kernels::onednn::has_blocks_of_16()) return false;
  return p.num_group == 1 ||
         kernels::onednn::has_fast_code({.pass = ConvolutionPass::forward,
                                         .geometry = convolution_geometry(p, n.in[0], n.out),
                                         .dtype = DType::float32,
                                         .bias = !p.no_bias,
                                         .rounded = p.rounded,
                                         .residual = p.residual,
                                         .relu = p.relu,
                                         .blocked_in = true,
                                         .blocked_out = true});
}

}  // namespace

GEMEL_OPERATORS(prepared_convolution) {
  set_blocked_form("_prepared_convolution", {.leads = true,
                                             .exists = has_blocks,
                                             .reads_blocked = reads_blocked,
                                             .gains = true,
                                             .make = over_blocks});
  op<P>("_prepare_convolution_weight")
      .doc("The weight of _prepared_convolution.")
      .inputs({"weight"})
      .shape(weight_shape)
      .implement("arranged", prepare_weight)
      .info()
      .hidden = true;
  op<P>("_prepared_convolution")
      .doc("Convolution with a prepared weight, then a residual and relu.")
      .inputs<P>(&input_names)
      .shape(shape)
      .operations(operations)
      .per_sample(&cut_inputs)
      .implement(
          {.name = "winograd",
           .kernel = run_winograd,
           .when = is<ConvolutionAlgorithm::winograd>,
           .prepare =
               [](const OpCall& c) {
                 auto prepared = std::make_unique<PreparedSchedule>();
                 prepared->schedule = schedule_of(c);
                 return prepared;
               },
           .workspace = [](const OpCall& c) { return kernels::winograd_workspace(schedule_of(c)); },
           .small = false})
      .implement(
          {.name = "onednn",
           .kernel = [](const OpCall& c) { kernels::onednn::run_convolution(problem(c), c); },
           .when = is<ConvolutionAlgorithm::library>,
           .prepare =
               [](const OpCall& c) { return kernels::onednn::prepare_convolution(problem(c)); },
           .workspace =
               [](const OpCall& c) {
                 return kernels::onednn::convolution_workspace(problem(c), c.prepared);
               },
           .small = false})
      .info()
      .hidden = true;
}

}  // namespace gemel::convolution_op

namespace gemel {
namespace {

// Whether the plain Convolution would run in a kernel that a prepared weight replaces: there may be
// special ones, which do better with the weight as it is.
bool replaces_plain_kernel(const ConvolutionParameters& p, const Shape& data, const Shape& out) {
  Shape weight = {p.num_filter, data[1] / p.num_group};
  for (int64_t k : p.kernel) weight.push_back(k);
  const DType dtype = DType::float32;
  std::vector<Tensor> in = {{nullptr, data, dtype}, {nullptr, weight, dtype}};
  if (!p.no_bias) in.emplace_back(nullptr, Shape{p.num_filter}, dtype);
  const Tensor result(nullptr, out, dtype);
  const OpInfo& op = require_op("Convolution");
  const std::string& name = op.choose({op, p, in, std::span(&result, 1)}).name;
  // Products over plain layouts need no whole blocks of channels.
  constexpr int64_t block = kernels::block_channels;
  const bool whole_blocks = data[1] % block == 0 && p.num_filter % block == 0;
  return name == "winograd" || name == "shifted" || name.starts_with("onednn") ||
         (name.starts_with("one_by_one") && whole_blocks);
}

}  // namespace

std::shared_ptr<const PreparedConvolutionParameters> prepared_convolution(
    const ConvolutionParameters& p, const Shape& data, const Shape& out,
    std::string_view preferred) {
  using namespace kernels;
  const ConvolutionGeometry g = convolution_geometry(p, data, out);
  if (!convolution_op::preparing_pays(g) || !replaces_plain_kernel(p, data, out)) return nullptr;
  auto result = std::make_shared<PreparedConvolutionParameters>();
  static_cast<ConvolutionParameters&>(*result) = p;
  const bool library = preferred.starts_with("onednn");
  if (!preferred.empty() && !library && preferred != "winograd") return nullptr;
  if (!library && fpmath() != Fpmath::exact && winograd_applies(g) &&
      (preferred == "winograd" || convolution_op::winograd_pays(winograd_schedule(
                                      g, ConvolutionPass::forward, {.prepared = true})))) {
    result->algorithm = ConvolutionAlgorithm::winograd;
    return result;
  }
  onednn::ConvolutionProblem problem{ConvolutionPass::forward, g, DType::float32, !p.no_bias, true};
  if (preferred == "onednn" || !onednn::serves(problem)) problem.rounded = false;
  if (!onednn::serves(problem)) return nullptr;
  result->algorithm = ConvolutionAlgorithm::library;
  result->rounded = problem.rounded;
  result->weight_layout = onednn::weight_layout(problem);
  return result;
}

}  // namespace gemel
