#include "ops/nn/fully_connected/fully_connected.h"

#include "kernels/gemm/gemm.h"
#include "kernels/onednn/matmul.h"
#include "kernels/widen.h"
#include "op/registry.h"

namespace gemel {

void FullyConnectedParameters::declare(Fields<FullyConnectedParameters>& f) {
  f.field("num_hidden", &FullyConnectedParameters::num_hidden)
      .range(1, 2147483647)
      .doc("Number of outputs for each row.");
  f.field("no_bias", &FullyConnectedParameters::no_bias).fallback("0").doc("Add no bias.");
  f.field("flatten", &FullyConnectedParameters::flatten)
      .fallback("1")
      .doc("See all axes of data but the first as one; otherwise only the last axis is mapped.");
}

FullyConnectedSizes fully_connected_sizes(const Shape& data, bool flatten) {
  const int split = flatten ? 1 : data.ndim() - 1;
  FullyConnectedSizes sizes{1, 1};
  for (int i = 0; i < data.ndim(); ++i) {
    int64_t& size = i < split ? sizes.rows : sizes.inputs;
    size = size < 0 || data[i] < 0 ? -1 : size * data[i];
  }
  return sizes;
}

}  // namespace gemel

namespace gemel::fully_connected_op {
namespace {

std::vector<std::string> input_names(const FullyConnectedParameters& p) {
  if (p.no_bias) return {"data", "weight"};
  return {"data", "weight", "bias"};
}

void forward_shape(ShapeContext& c) {
  const auto& p = c.params<FullyConnectedParameters>();
  const Shape data = c.in[0];
  if (data.ndim() < 0) return;
  GEMEL_CHECK(data.ndim() >= 1, "[{}] expected data of at least one axis, got a scalar",
              c.op.name());
  c.set_in(1, {p.num_hidden, fully_connected_sizes(data, p.flatten).inputs});
  if (!p.no_bias) c.set_in(2, {p.num_hidden});
  Shape out = data;
  if (p.flatten)
    out = {data[0], p.num_hidden};
  else
    out[out.ndim() - 1] = p.num_hidden;
  c.set_out(0, out);
  // The rows are the same on both sides.
  Shape known = data;
  for (int i = 0; i < out.ndim() - 1; ++i) known[i] = c.out[0][i];
  c.set_in(0, known);
}

using Product = void (*)(DType, const kernels::Gemm&, const void*, const void*, void*);

// The products behind the three operators, for the call's sizes.
kernels::Gemm forward_product(const OpCall& c) {
  const auto& p = c.params<FullyConnectedParameters>();
  const auto [rows, inputs] = fully_connected_sizes(c.in[0].shape, p.flatten);
  return kernels::Gemm::packed(false, true, rows, p.num_hidden, inputs, p.no_bias ? 0 : 1);
}
kernels::Gemm data_product(const OpCall& c) {
  const auto& p = c.params<FullyConnectedParameters>();
  const auto [rows, inputs] = fully_connected_sizes(c.out[0].shape, p.flatten);
  return kernels::Gemm::packed(false, false, rows, inputs, p.num_hidden);
}
kernels::Gemm weight_product(const OpCall& c) {
  const auto& p = c.params<FullyConnectedParameters>();
  const auto [rows, inputs] = fully_connected_sizes(c.in[1].shape, p.flatten);
  return kernels::Gemm::packed(true, false, p.num_hidden, inputs, rows);
}

template <Product product>
void forward(const OpCall& c) {
  const Tensor& out = c.out[0];
  const kernels::Gemm g = forward_product(c);
  if (g.beta != 0) kernels::fill_rows(out.dtype, g.m, g.n, c.in[2].address, out.address, g.n);
  product(out.dtype, g, c.in[0].address, c.in[1].address, out.address);
}

using ProductWithBias = void (*)(const kernels::Gemm&, const void*, const void*, const void*,
                                 void*);
template <Product product, ProductWithBias with_bias>
void forward_packed(const OpCall& c) {
  kernels::Gemm g = forward_product(c);
  if (g.beta == 0)
    return product(DType::float32, g, c.in[0].address, c.in[1].address, c.out[0].address);
  g.beta = 0;
  with_bias(g, c.in[0].address, c.in[1].address, c.in[2].address, c.out[0].address);
}

std::vector<Entry> forward_gradient(const GradientContext& c) {
  const auto& p = c.params<FullyConnectedParameters>();
  const Entry dy = c.dy();
  std::vector<Entry> result = {
      c.make("_backward_FullyConnected_data", {dy, c.in(1), c.in(0)}, c.node.parameters),
      c.make("_backward_FullyConnected_weight", {dy, c.in(0)}, c.node.parameters)};
  if (!p.no_bias) result.push_back(Entry{result[1].node, 1, 0});
  return result;
}

// in: head gradient (rows x num_hidden), weight, data (for its shape only).
template <Product product>
void backward_data(const OpCall& c) {
  product(c.out[0].dtype, data_product(c), c.in[0].address, c.in[1].address, c.out[0].address);
}

void backward_weight_shape(ShapeContext& c) {
  const auto& p = c.params<FullyConnectedParameters>();
  if (!p.no_bias) c.set_out(1, {p.num_hidden});
  if (c.in[1].ndim() < 0) return;
  c.set_out(0, {p.num_hidden, fully_connected_sizes(c.in[1], p.flatten).inputs});
}

void bias_gradient(const OpCall& c) {
  const auto& p = c.params<FullyConnectedParameters>();
  const Tensor& dy = c.in[0];
  if (!p.no_bias)
    kernels::sum_rows(dy.dtype, dy.size() / p.num_hidden, p.num_hidden, dy.address,
                      c.out[1].address);
}

// in: head gradient, data. out: gradients of weight and bias.
template <Product product>
void backward_weight(const OpCall& c) {
  const Tensor& dy = c.in[0];
  const kernels::Gemm g = weight_product(c);
  product(dy.dtype, g, dy.address, c.in[1].address, c.out[0].address);
  bias_gradient(c);
}

Attributes attributes_of(const FullyConnectedParameters& p, bool no_bias) {
  return {{"num_hidden", print_value(p.num_hidden)},
          {"no_bias", print_value(no_bias)},
          {"flatten", print_value(p.flatten)}};
}

// Both gradients are linear in each of their inputs, so theirs are again FullyConnected and each
// other.
std::vector<Entry> backward_data_gradient(const GradientContext& c) {
  const auto& p = c.params<FullyConnectedParameters>();
  const Entry head = c.dy();
  const Attributes plain = attributes_of(p, true);
  return {c.make("FullyConnected", {head, c.in(1)}, plain),
          c.make("_backward_FullyConnected_weight", {c.in(0), head}, plain), Entry{}};
}

std::vector<Entry> backward_weight_gradient(const GradientContext& c) {
  const auto& p = c.params<FullyConnectedParameters>();
  const Entry head = c.dy(0);
  const bool no_bias = p.no_bias || !c.head[1];
  std::vector<Entry> inputs = {c.in(1), head};
  if (!no_bias) inputs.push_back(c.head[1]);
  return {
      c.make("FullyConnected", inputs, attributes_of(p, no_bias)),
      c.make("_backward_FullyConnected_data", {c.in(0), head, c.in(1)}, attributes_of(p, true))};
}

template <kernels::Gemm (*sizes)(const OpCall&)>
bool small_serves(const OpCall& c) {
  return kernels::small_supports(c.out[0].dtype, sizes(c));
}
bool thin_serves(const OpCall& c) {
  return kernels::thin_supports(c.out[0].dtype, forward_product(c));
}
template <kernels::Gemm (*sizes)(const OpCall&)>
bool packed_serves(const OpCall& c) {
  return kernels::packed_supports(c.out[0].dtype, sizes(c));
}
template <kernels::Gemm (*sizes)(const OpCall&)>
bool bfloat16_serves(const OpCall& c) {
  return kernels::bfloat16_supports(c.out[0].dtype, sizes(c));
}
bool blas_serves(const OpCall& c) { return kernels::blas_supports(c.out[0].dtype); }

// The products of large layers as oneDNN sees them, for CPUs that our own does not serve.
using kernels::onednn::MatmulProblem;
MatmulProblem forward_problem(const OpCall& c) {
  kernels::Gemm g = forward_product(c);
  const int bias = g.beta != 0 ? 2 : -1;
  g.beta = 0;
  return {g, c.out[0].dtype, 0, 1, bias};
}
MatmulProblem backward_data_problem(const OpCall& c) {
  return {data_product(c), c.out[0].dtype, 0, 1};
}
MatmulProblem backward_weight_problem(const OpCall& c) {
  return {weight_product(c), c.out[0].dtype, 0, 1};
}

Implementation onednn(MatmulProblem (*problem)(const OpCall&),
                      void (*also)(const OpCall&) = nullptr) {
  namespace library = kernels::onednn;
  return {
      .name = "onednn",
      .kernel =
          [problem, also](const OpCall& c) {
            library::run_matmul(problem(c), c);
            if (also) also(c);
          },
      .when = [problem](const OpCall& c) { return library::serves(problem(c)); },
      .prepare = [problem](const OpCall& c) { return library::prepare_matmul(problem(c)); },
      .workspace =
          [problem](const OpCall& c) { return library::matmul_workspace(problem(c), c.prepared); }};
}

}  // namespace

GEMEL_OPERATORS(fully_connected) {
  op<FullyConnectedParameters>("FullyConnected")
      .doc(
          "Fully connected layer: data * transpose(weight) + bias. `weight` has shape (num_hidden, "
          "inputs). With `flatten`, data of shape (n, a, b, ...) is seen as (n, a*b*...) and the "
          "result is (n, num_hidden); without it, the last axis is mapped and the others stay.")
      .inputs(&input_names)
      .shape(forward_shape)
      .gradient(forward_gradient)
      .operations([](const OpCall& c) {
        const Shape& weight = c.in[1].shape;
        return 2.0 * static_cast<double>(c.out[0].size()) * static_cast<double>(weight[1]);
      })
      .implement(kernels::widened())
      .implement("thin", forward<kernels::thin_gemm>, thin_serves)
      .implement("direct", forward<kernels::small_gemm>, small_serves<forward_product>)
      .implement("bfloat16",
                 forward_packed<kernels::bfloat16_gemm, kernels::bfloat16_gemm_with_bias>,
                 bfloat16_serves<forward_product>)
      .implement("packed", forward_packed<kernels::packed_gemm, kernels::packed_gemm_with_bias>,
                 packed_serves<forward_product>)
      .implement(onednn(forward_problem))
      .implement("openblas", forward<kernels::blas_gemm>, blas_serves)
      .implement("reference", forward<kernels::reference_gemm>)
      .sample({.shapes = {{4, 6}, {5, 6}, {5}}, .attributes = {{"num_hidden", "5"}}})
      .sample({.shapes = {{2, 3, 4}, {5, 12}, {5}}, .attributes = {{"num_hidden", "5"}}})
      .sample(
          {.shapes = {{4, 6}, {5, 6}}, .attributes = {{"num_hidden", "5"}, {"no_bias", "True"}}})
      .sample({.shapes = {{2, 3, 4}, {5, 4}, {5}},
               .attributes = {{"num_hidden", "5"}, {"flatten", "False"}}})
      .sample({.shapes = {{1, 1}, {1, 1}, {1}}, .attributes = {{"num_hidden", "1"}}});

  op<FullyConnectedParameters>("_backward_FullyConnected_data")
      .doc("Gradient of FullyConnected with respect to data.")
      .inputs({"dy", "weight", "data"})
      .shape_only({2})
      .shape([](ShapeContext& c) { c.set_out(0, c.in[2]); })
      .gradient(backward_data_gradient)
      .implement(kernels::widened())
      .implement("direct", backward_data<kernels::small_gemm>, small_serves<data_product>)
      .implement("bfloat16", backward_data<kernels::bfloat16_gemm>, bfloat16_serves<data_product>)
      .implement("packed", backward_data<kernels::packed_gemm>, packed_serves<data_product>)
      .implement(onednn(backward_data_problem))
      .implement("openblas", backward_data<kernels::blas_gemm>, blas_serves)
      .implement("reference", backward_data<kernels::reference_gemm>);

  op<FullyConnectedParameters>("_backward_FullyConnected_weight")
      .doc("Gradient of FullyConnected with respect to weight and bias.")
      .inputs({"dy", "data"})
      .outputs<FullyConnectedParameters>(
          [](const FullyConnectedParameters& p) { return p.no_bias ? 1 : 2; })
      .shape(backward_weight_shape)
      .gradient(backward_weight_gradient)
      .implement(kernels::widened())
      .implement("direct", backward_weight<kernels::small_gemm>, small_serves<weight_product>)
      .implement("bfloat16", backward_weight<kernels::bfloat16_gemm>,
                 bfloat16_serves<weight_product>)
      .implement("packed", backward_weight<kernels::packed_gemm>, packed_serves<weight_product>)
      .implement(onednn(backward_weight_problem, bias_gradient))
      .implement("openblas", backward_weight<kernels::blas_gemm>, blas_serves)
      .implement("reference", backward_weight<kernels::reference_gemm>);
}

}  // namespace gemel::fully_connected_op
