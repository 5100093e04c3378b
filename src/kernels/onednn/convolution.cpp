#include "kernels/onednn/convolution.h"

#ifdef GEMEL_WITH_ONEDNN
#include <algorithm>

#include "kernels/fpmath.h"
#include "kernels/onednn/arguments.h"
#include "simd/bfloat16_product.h"
#endif

namespace gemel::kernels::onednn {

#ifdef GEMEL_WITH_ONEDNN

namespace {

using dnnl::memory;

// Sizes and layouts of one problem as oneDNN states them.
struct Descriptors {
  memory::dims data, weight, bias, out, stride, dilate, pad;
  explicit Descriptors(const ConvolutionGeometry& g) {
    data = {g.batch, g.in_channels};
    out = {g.batch, g.out_channels};
    bias = {g.out_channels};
    if (g.groups > 1) weight = {g.groups};
    weight.push_back(g.group_out());
    weight.push_back(g.group_in());
    for (int a = 3 - g.axes; a < 3; ++a) {
      data.push_back(g.in[a]);
      out.push_back(g.out[a]);
      weight.push_back(g.kernel[a]);
      stride.push_back(g.stride[a]);
      dilate.push_back(g.dilate[a] - 1);
      pad.push_back(g.pad[a]);
    }
  }
};

DType operand_type(const ConvolutionProblem& problem) {
  return problem.rounded ? DType::bfloat16 : problem.dtype;
}

struct ChosenLayout : WeightLayout {
  memory::desc user, wanted;
  bool blocked;  // so are the data then
  dnnl::reorder reorder;
  ChosenLayout(const memory::desc& from, const memory::desc& to, bool blocked)
      : user(from),
        wanted(to),
        blocked(blocked),
        reorder(dnnl::reorder::primitive_desc(cpu_engine(), from, cpu_engine(), to)) {}
  int64_t bytes() const override { return static_cast<int64_t>(wanted.get_size()); }
  void lay_out(const void* weight, void* to) const override {
    reorder.execute(cpu_stream(),
                    {{DNNL_ARG_FROM, memory(user, cpu_engine(), const_cast<void*>(weight))},
                     {DNNL_ARG_TO, memory(wanted, cpu_engine(), to)}});
  }
};
const ChosenLayout* chosen(const ConvolutionProblem& problem) {
  return static_cast<const ChosenLayout*>(problem.layout);
}

dnnl::primitive_attr attributes_of(const ConvolutionProblem& problem) {
  dnnl::primitive_attr attributes = user_scratchpad();
  dnnl::post_ops after;
  if (problem.residual) after.append_sum(1.f);
  if (problem.relu) after.append_eltwise(dnnl::algorithm::eltwise_relu, 0.f, 0.f);
  attributes.set_post_ops(after);
  return attributes;
}

dnnl::convolution_forward::primitive_desc forward_descriptor(const Descriptors& d,
                                                             const ConvolutionProblem& problem,
                                                             const memory::desc& data,
                                                             const memory::desc& out) {
  const memory::desc weight =
      problem.layout ? chosen(problem)->wanted : any_layout(d.weight, operand_type(problem));
  const memory::desc bias = problem.bias ? plain(d.bias, problem.dtype) : memory::desc();
  return {cpu_engine(),
          dnnl::prop_kind::forward_training,
          dnnl::algorithm::convolution_direct,
          data,
          weight,
          bias,
          out,
          d.stride,
          d.dilate,
          d.pad,
          d.pad,
          attributes_of(problem)};
}

// An array as the caller has it.
memory::desc as_given(const memory::dims& sizes, DType dtype, bool blocked) {
  if (!blocked) return plain(sizes, dtype);
  return {sizes, data_type(dtype), memory::format_tag::nChw16c};
}
// As the library may take it, in type `read`: blocked arrays as they are, plain ones as it likes or
// as they are.
memory::desc as_taken(const memory::dims& sizes, DType dtype, DType read, bool blocked, bool any) {
  return any && (!blocked || read != dtype) ? any_layout(sizes, read)
                                            : as_given(sizes, dtype, blocked);
}

std::unique_ptr<PreparedPrimitive> make(const ConvolutionProblem& problem, bool any) {
  const Descriptors d(problem.geometry);
  const DType dtype = problem.dtype;
  const memory::desc user_data = as_given(d.data, dtype, problem.blocked_in),
                     user_out = as_given(d.out, dtype, problem.blocked_out),
                     user_weight = plain(d.weight, dtype), bias = plain(d.bias, dtype);
  // What is read is rounded where that was asked for; what is written is not.
  const DType read = operand_type(problem);
  const bool reads_data = problem.pass != ConvolutionPass::data,
             reads_out = problem.pass != ConvolutionPass::forward;
  const memory::desc data =
      as_taken(d.data, dtype, reads_data ? read : dtype, problem.blocked_in, any);
  const memory::desc out =
      as_taken(d.out, dtype, reads_out ? read : dtype, problem.blocked_out, any);
  const auto forward =
      forward_descriptor(d, problem, problem.rounded ? any_layout(d.data, read) : data, out);
  const auto direct = dnnl::algorithm::convolution_direct;
  if (problem.pass == ConvolutionPass::forward) {
    auto state = std::make_unique<PreparedPrimitive>(forward, dnnl::convolution_forward(forward));
    state->input(DNNL_ARG_SRC, 0, user_data, forward.src_desc());
    state->input(DNNL_ARG_WEIGHTS, 1, problem.layout ? chosen(problem)->wanted : user_weight,
                 forward.weights_desc());
    if (problem.bias) state->input(DNNL_ARG_BIAS, 2, bias, forward.bias_desc());
    state->output(DNNL_ARG_DST, 0, user_out, forward.dst_desc());
    if (problem.residual) state->add_to(problem.bias ? 3 : 2);
    return state;
  }
  if (problem.pass == ConvolutionPass::data) {
    const dnnl::convolution_backward_data::primitive_desc backward(
        cpu_engine(), direct, data, any_layout(d.weight, read), out, d.stride, d.dilate, d.pad,
        d.pad, forward, user_scratchpad());
    auto state =
        std::make_unique<PreparedPrimitive>(backward, dnnl::convolution_backward_data(backward));
    state->input(DNNL_ARG_DIFF_DST, 0, user_out, backward.diff_dst_desc());
    state->input(DNNL_ARG_WEIGHTS, 1, user_weight, backward.weights_desc());
    state->output(DNNL_ARG_DIFF_SRC, 0, user_data, backward.diff_src_desc());
    return state;
  }
  const dnnl::convolution_backward_weights::primitive_desc backward(
      cpu_engine(), direct, data, any_layout(d.weight, dtype), problem.bias ? bias : memory::desc(),
      out, d.stride, d.dilate, d.pad, d.pad, forward, user_scratchpad());
  auto state =
      std::make_unique<PreparedPrimitive>(backward, dnnl::convolution_backward_weights(backward));
  state->input(DNNL_ARG_DIFF_DST, 0, user_out, backward.diff_dst_desc());
  state->input(DNNL_ARG_SRC, 1, user_data, backward.src_desc());
  state->output(DNNL_ARG_DIFF_WEIGHTS, 0, user_weight, backward.diff_weights_desc());
  if (problem.bias) state->output(DNNL_ARG_DIFF_BIAS, 1, bias, backward.diff_bias_desc());
  return state;
}

// Layouts of the library's own choice pay for the reorders where it has fast code for them; where
// it only has its reference code (few input channels), products over plain layouts are faster.
std::unique_ptr<PreparedPrimitive> make_best(const ConvolutionProblem& problem) {
  if (problem.layout) return make(problem, chosen(problem)->blocked);
  auto blocked = make(problem, true);
  return blocked->is_reference() ? make(problem, false) : std::move(blocked);
}

}  // namespace

bool serves(const ConvolutionProblem& problem) {
  const ConvolutionGeometry& g = problem.geometry;
  if (problem.rounded && (fpmath() != Fpmath::fast || !simd::has_bfloat16_product() ||
                          std::min(g.group_in(), g.group_out()) < 16))
    return false;
  // Its kernels for the gradient of data pad the channels to whole vectors.
  if (problem.pass == ConvolutionPass::data && g.group_in() < 8) return false;
  return is_enabled() && problem.dtype == DType::float32 && g.batch > 0 && g.in_channels > 0 &&
         g.out_channels > 0 && g.in_size() > 0 && g.out_size() > 0;
}

bool has_blocks_of_16() {
  cpu_engine();  // limits the instructions as the settings say
  return is_enabled() && dnnl::get_effective_cpu_isa() >= dnnl::cpu_isa::avx512_core;
}

namespace {
dnnl::convolution_forward::primitive_desc forward_of(const ConvolutionProblem& problem, bool any) {
  const Descriptors d(problem.geometry);
  return forward_descriptor(
      d, problem,
      problem.rounded ? any_layout(d.data, DType::bfloat16)
                      : as_taken(d.data, problem.dtype, problem.dtype, problem.blocked_in, any),
      as_taken(d.out, problem.dtype, problem.dtype, problem.blocked_out, any));
}
}  // namespace

bool has_fast_code(const ConvolutionProblem& problem) {
  return !is_reference(forward_of(problem, true));
}

std::shared_ptr<const WeightLayout> weight_layout(const ConvolutionProblem& problem) {
  auto best = forward_of(problem, true);
  const bool blocked = !is_reference(best);
  if (!blocked) best = forward_of(problem, false);
  return std::make_shared<ChosenLayout>(plain(Descriptors(problem.geometry).weight, problem.dtype),
                                        best.weights_desc(), blocked);
}

std::unique_ptr<Prepared> prepare_convolution(const ConvolutionProblem& problem) {
  return make_best(problem);
}

int64_t convolution_workspace(const ConvolutionProblem& problem, Prepared* prepared) {
  if (prepared) return static_cast<PreparedPrimitive*>(prepared)->workspace();
  return static_cast<PreparedPrimitive&>(*prepare_convolution(problem)).workspace();
}

void run_convolution(const ConvolutionProblem& problem, const OpCall& call) {
  if (call.prepared) return static_cast<PreparedPrimitive*>(call.prepared)->run(call);
  static_cast<PreparedPrimitive&>(*prepare_convolution(problem)).run(call);
}

#else

bool serves(const ConvolutionProblem&) { return false; }
bool has_blocks_of_16() { return false; }
bool has_fast_code(const ConvolutionProblem&) { return false; }
std::shared_ptr<const WeightLayout> weight_layout(const ConvolutionProblem&) { return nullptr; }
std::unique_ptr<Prepared> prepare_convolution(const ConvolutionProblem&) { return nullptr; }
int64_t convolution_workspace(const ConvolutionProblem&, Prepared*) { return 0; }
void run_convolution(const ConvolutionProblem&, const OpCall& call) {
  fail(ErrorKind::Internal, "[{}] this build has no oneDNN", call.op.name());
}

#endif

}  // namespace gemel::kernels::onednn
