// Every operator with samples: it runs on them, in place as its pairs allow, and its gradient graph
// agrees with finite differences, twice over.
#include <gtest/gtest.h>

#include <random>
#include <set>
#include <string>

#include "ops/testing.h"

namespace gemel {
namespace {

using testing::Array;

// The types of all inputs when the first is `dtype`; those that do not follow are `dtype` too.
std::vector<DType> input_types(const OpInfo& op, const Parameters& parameters, size_t inputs,
                               DType dtype) {
  std::vector<DType> in(inputs, DType::none), out(op.output_count(parameters), DType::none);
  if (inputs > 0) in[0] = dtype;
  TypeContext types{op, parameters, in, out};
  if (op.type_rule)
    op.type_rule(types);
  else
    same_type(types);
  for (DType& t : in) t = t == DType::none ? dtype : t;
  return in;
}

std::vector<Array> draw(const Sample& sample, const std::vector<DType>& dtypes, uint32_t seed) {
  std::mt19937 generator(seed);
  std::vector<Array> result;
  for (size_t i = 0; i < sample.shapes.size(); ++i) {
    const auto [low, high] =
        i < sample.ranges.size() ? sample.ranges[i] : std::pair(sample.low, sample.high);
    std::uniform_real_distribution<double> uniform(low, high);
    std::vector<double> values(static_cast<size_t>(sample.shapes[i].size()));
    for (double& v : values) v = uniform(generator);
    result.emplace_back(sample.shapes[i], values, dtypes[i]);
  }
  return result;
}

// All inputs of `dtype`, except those that have to be integers.
std::vector<Array> draw(const OpInfo& op, const Sample& sample, DType dtype, uint32_t seed) {
  std::vector<DType> dtypes =
      input_types(op, *op.parse(sample.attributes), sample.shapes.size(), dtype);
  for (DType& t : dtypes) t = is_floating(t) ? dtype : t;
  return draw(sample, dtypes, seed);
}

double weighted_sum(const std::vector<Array>& outputs, const std::vector<Array>& weights) {
  double total = 0;
  for (size_t k = 0; k < weights.size(); ++k) {
    const auto y = outputs[k].values(), w = weights[k].values();
    for (size_t i = 0; i < y.size(); ++i) total += y[i] * w[i];
  }
  return total;
}

struct Case {
  const OpInfo* op;
  int index;
  Sample sample;
};

std::vector<Case> cases() {
  std::vector<Case> result;
  for (const OpInfo* op : all_ops())
    for (size_t i = 0; i < op->samples.size(); ++i)
      result.push_back({op, static_cast<int>(i), op->samples[i]});
  return result;
}

void PrintTo(const Case& c, std::ostream* out) { *out << c.op->name() << " sample " << c.index; }

class Samples : public ::testing::TestWithParam<Case> {};

TEST_P(Samples, RunsInEveryType) {
  const auto& [op, index, sample] = GetParam();
  if (op->shape_from_values) return;  // `testing::call` needs shapes before values
  const ParametersRef parameters = op->parse(sample.attributes);
  for (DType dtype : {DType::float32, DType::float16, DType::bfloat16, DType::int32}) {
    if (op->random && !is_floating(dtype)) continue;
    if (op->name().starts_with("mp_") && dtype != DType::float32) continue;  // inputs of two types
    try {
      const auto dtypes = input_types(*op, *parameters, sample.shapes.size(), dtype);
      testing::call(*op, parameters, draw(sample, dtypes, 3));
    } catch (const Error& error) {
      // Only integers (and by LAPACK halves) may be refused, by a message that names the operator.
      const bool lapack = op->name().starts_with("_linalg_") && dtype != DType::float32;
      EXPECT_TRUE(lapack || !is_floating(dtype)) << name_of(dtype) << ": " << error.what();
      EXPECT_NE(std::string(error.what()).find(op->name()), std::string::npos) << error.what();
    }
  }
}

TEST_P(Samples, InPlaceGivesTheSame) {
  const auto& [op, index, sample] = GetParam();
  if (!op->mutates.empty() || op->shape_from_values) return;
  const ParametersRef parameters = op->parse(sample.attributes);
  const std::vector<Array> inputs = draw(*op, sample, DType::float32, 3);
  const std::vector<Array> expected = testing::call(*op, parameters, inputs);
  for (auto [i, j] : op->inplace) {
    if (i >= static_cast<int>(inputs.size()) || j >= static_cast<int>(expected.size())) continue;
    std::vector<Array> in = inputs, out = expected;
    if (in[i].bytes.size() != out[j].bytes.size()) continue;
    std::vector<Tensor> in_tensors, out_tensors;
    for (Array& a : in) in_tensors.push_back(a.tensor());
    for (Array& a : out) out_tensors.push_back(a.tensor());
    out_tensors[j].address = in_tensors[i].address;
    OpCall call{*op, *parameters, in_tensors, out_tensors};
    const Implementation& implementation = op->choose(call);
    std::vector<std::byte> workspace(
        implementation.workspace ? static_cast<size_t>(implementation.workspace(call)) : 0);
    call.workspace = workspace.data();
    implementation.kernel(call);
    EXPECT_EQ(in[i].bytes, expected[j].bytes) << "input " << i << " shared with output " << j;
  }
}

// Derivatives of functions with a kink at 0 have none there.
Array away_from_zero(const Array& a) {
  std::vector<double> values = a.values();
  for (double& v : values) v = std::fabs(v) < 1e-3 ? 1e-3 : v;
  return is_floating(a.dtype) ? Array(a.shape, values, a.dtype) : a;
}

// Gradients in float64 against central differences, then the gradient's own gradient.
void check_gradient(const NodeRef& node, const std::vector<Array>& inputs, int order) {
  const auto& op = static_cast<const OpInfo&>(*node->op);
  if (!op.gradient_rule || op.ignores_head_gradient || op.shape_from_values) return;
  static const std::set<std::string> not_by_differences = {
      "CTCLoss",
      "_backward_BatchNorm",  // its statistics follow from its data
      "_random_pdf_poisson",
      "_random_pdf_negative_binomial",  // whole numbers
      "_random_pdf_generalized_negative_binomial",
      "IdentityAttachKLSparseReg",
      "_contrib_gradientmultiplier",  // another gradient on purpose
      "_contrib_round_ste",
      "_contrib_sign_ste",
      "_image_adjust_lighting",  // pass the gradient on, as 1.9.1's do
      "_image_random_brightness",
      "_image_random_color_jitter",
      "_image_random_contrast",
      "_image_random_hue",
      "_image_random_lighting",
      "_image_random_saturation",
      "_linalg_syevd"};  // reads one triangle of a symmetric matrix
  if (not_by_differences.contains(op.name())) return;
  std::vector<Array> outputs = testing::call(op, node->parameters, inputs);
  outputs.resize(static_cast<size_t>(op.visible_output_count(*node->parameters)));
  for (const Array& y : outputs)
    if (!is_floating(y.dtype)) return;
  std::vector<Entry> heads;
  std::vector<Array> weights;
  std::mt19937 generator(11);
  std::uniform_real_distribution<double> uniform(0.5, 1.5);
  for (const Array& y : outputs) {
    std::vector<double> values(static_cast<size_t>(y.shape.size()));
    for (double& v : values) v = uniform(generator);
    weights.emplace_back(y.shape, values, DType::float64);
    heads.push_back({make_variable("head"), 0, 0});
  }
  std::vector<Entry> all_heads = heads;
  all_heads.resize(static_cast<size_t>(op.output_count(*node->parameters)));
  const std::vector<Entry> gradients = testing::gradient_of(node, all_heads);
  ASSERT_EQ(gradients.size(), inputs.size());
  testing::Evaluator evaluate;
  for (size_t i = 0; i < inputs.size(); ++i)
    evaluate.known[node->inputs[i].node.get()] = {inputs[i]};
  for (size_t k = 0; k < heads.size(); ++k) evaluate.known[heads[k].node.get()] = {weights[k]};
  const size_t differentiable =
      inputs.size() - static_cast<size_t>(op.auxiliary_count(*node->parameters));
  for (size_t i = 0; i < differentiable; ++i) {
    if (inputs[i].dtype != DType::float64) continue;
    const std::vector<double> x = inputs[i].values();
    std::vector<double> got(x.size(), 0);
    if (gradients[i]) {
      const Array g = evaluate(gradients[i]);
      ASSERT_EQ(g.shape, inputs[i].shape) << op.name() << " input " << i;
      got = g.values();
    }
    for (size_t e = 0; e < x.size(); ++e) {
      const double h = 1e-5;
      double sides[2];
      for (int s = 0; s < 2; ++s) {
        std::vector<Array> moved = inputs;
        std::vector<double> values = x;
        values[e] += s ? h : -h;
        moved[i] = Array(inputs[i].shape, values, DType::float64);
        sides[s] = weighted_sum(testing::call(op, node->parameters, moved), weights);
      }
      const double expected = (sides[1] - sides[0]) / (2 * h);
      EXPECT_NEAR(got[e], expected, 1e-4 * (1 + std::fabs(expected)))
          << op.name() << " order " << order << " input " << i << " element " << e;
      if (::testing::Test::HasFailure()) return;
    }
  }
  if (order > 1) return;
  for (const Entry& g : gradients) {
    if (!g || g.node->is_variable()) continue;
    std::vector<Array> values;
    std::vector<Entry> leaves;
    for (const Entry& e : g.node->inputs) {
      values.push_back(away_from_zero(evaluate(e)));
      leaves.push_back({make_variable("leaf"), 0, 0});
    }
    const NodeRef copy = make_node(*g.node->op, "again", leaves, g.node->parameters);
    check_gradient(copy, values, order + 1);
    if (::testing::Test::HasFailure()) return;
  }
}

TEST_P(Samples, GradientIsThatOfDifferences) {
  const auto& [op, index, sample] = GetParam();
  std::vector<Array> inputs = draw(*op, sample, DType::float64, 5);
  std::vector<Entry> entries;
  for (size_t i = 0; i < inputs.size(); ++i) entries.push_back({make_variable("x"), 0, 0});
  check_gradient(make_node(*op, "node", entries, op->parse(sample.attributes)), inputs, 1);
}

INSTANTIATE_TEST_SUITE_P(Registry, Samples, ::testing::ValuesIn(cases()), [](const auto& info) {
  std::string name = info.param.op->name() + "_" + std::to_string(info.param.index);
  for (char& c : name) c = isalnum(static_cast<unsigned char>(c)) ? c : '_';
  return name;
});

}  // namespace
}  // namespace gemel
