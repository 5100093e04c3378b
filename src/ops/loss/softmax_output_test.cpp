#include <gtest/gtest.h>

#include "ops/testing.h"

namespace gemel {
namespace {

using testing::Array;

Array pattern(const Shape& shape) {
  std::vector<double> values(static_cast<size_t>(shape.size()));
  for (size_t k = 0; k < values.size(); ++k) values[k] = (static_cast<double>(k * 7 % 11) - 4) / 4;
  return Array(shape, values);
}

// The first rows of the gradient of data.
std::vector<double> gradient(const Array& data, const Array& label, const Attributes& attributes) {
  const Array out = testing::call("SoftmaxOutput", {data, label}, attributes)[0];
  return testing::call("_backward_SoftmaxOutput", {out, label}, attributes)[0].values();
}

void expect_near(const std::vector<double>& values, const std::vector<double>& expected) {
  ASSERT_GE(values.size(), expected.size());
  for (size_t i = 0; i < expected.size(); ++i) EXPECT_NEAR(values[i], expected[i], 1e-6) << i;
}

const Array labels({4}, {0, 2, 1, -1});

// The literals of this file were recorded from MXNet 1.9.1.
TEST(SoftmaxOutput, Value) {
  expect_near(testing::call("SoftmaxOutput", {pattern({4, 3}), labels})[0].values(),
              {0.11271921, 0.6486542, 0.23862657, 0.66524094, 0.24472848, 0.09003057});
}

TEST(SoftmaxOutput, GradientByOption) {
  const Array x = pattern({4, 3});
  expect_near(gradient(x, labels, {}),
              {-0.8872808, 0.6486542, 0.23862657, 0.66524094, 0.24472848, -0.90996945, 0.66524094,
               -0.75527155, 0.09003057, 0.66524094, 0.24472848, 0.09003057});
  expect_near(gradient(x, labels, {{"grad_scale", "2"}}), {-1.7745616, 1.2973084, 0.47725314});
  expect_near(gradient(x, labels, {{"normalization", "batch"}}),
              {-0.2218202, 0.16216356, 0.05965664});
  expect_near(gradient(x, labels, {{"normalization", "valid"}}),
              {-0.29576027, 0.21621808, 0.07954219});
  expect_near(gradient(x, labels, {{"use_ignore", "True"}, {"ignore_label", "2"}}),
              {-0.8872808, 0.6486542, 0.23862657, 0, 0, 0, 0.66524094, -0.75527155, 0.09003057});
  expect_near(gradient(x, labels,
                       {{"use_ignore", "True"}, {"ignore_label", "2"}, {"normalization", "valid"}}),
              {-0.29576027, 0.21621808, 0.07954219, 0, 0, 0, 0.22174698});
  expect_near(gradient(x, labels, {{"smooth_alpha", "0.3"}}),
              {-0.5872808, 0.49865422, 0.08862656, 0.5152409, 0.09472847, -0.60996944, 0.5152409,
               -0.45527154, -0.05996943, 0.5152409, 0.09472847, -0.05996943});
}

TEST(SoftmaxOutput, LabelsOutsideTheClassesAndFractions) {
  expect_near(gradient(pattern({2, 3}), Array({2}, {5, 1}), {}),
              {0.11271921, 0.6486542, 0.23862657, 0.66524094, -0.75527155});
  expect_near(gradient(pattern({2, 3}), Array({2}, {1.7, 1}), {}),
              {0.11271921, -0.35134578, 0.23862657});
}

TEST(SoftmaxOutput, ProbabilitiesAsLabels) {
  const Array x = pattern({4, 3});
  expect_near(gradient(x, x, {}), {1.1127192, -0.10134578, 0.48862657, -0.83475906});
  expect_near(gradient(x, x, {{"grad_scale", "3"}, {"normalization", "batch"}}),
              {3.3381577, -0.30403733, 1.4658797});
}

TEST(SoftmaxOutput, SeveralOutputsPerSample) {
  const Array x = pattern({2, 3, 4}), label({2, 4}, {0, 2, 1, 1, 2, 1, -1, 0});
  const auto with = [](Attributes attributes) {
    attributes["multi_output"] = "True";
    return attributes;
  };
  expect_near(gradient(x, label, with({})),
              {-0.213049, 0.0972562, 0.03695101, 0.18266979, 0.16560295, 0.02786437});
  expect_near(gradient(x, label, with({{"normalization", "batch"}})),
              {-0.1065245, 0.0486281, 0.01847551});
  expect_near(gradient(x, label, with({{"normalization", "valid"}})),
              {-0.12174229, 0.05557497, 0.02111487});
  expect_near(gradient(x, label, with({{"smooth_alpha", "0.3"}})),
              {-0.213049, 0.0972562, 0.03695101});
}

TEST(SoftmaxOutput, ShapesOfTheSoftmax) {
  const Array x = pattern({2, 3, 4}), label({2, 3}, {0, 2, 1, 2, 1, -1});
  expect_near(gradient(x, label, {}), {-0.98097193, 0.10949896, 0.04028241, 0.23180929});
  expect_near(gradient(x, label, {{"normalization", "batch"}}), {-0.16349533, 0.01824983});
  expect_near(gradient(x, label, {{"preserve_shape", "True"}}),
              {-0.9525033, 0.2733246, 0.1005505, 0.5786282});
  expect_near(gradient(x, label, {{"preserve_shape", "True"}, {"normalization", "batch"}}),
              {-0.15875056, 0.0455541});
}

TEST(SoftmaxOutput, OutGradMultiplies) {
  const Array x = pattern({4, 3});
  const Attributes attributes = {{"out_grad", "True"}, {"grad_scale", "2"}};
  const Array out = testing::call("SoftmaxOutput", {x, labels}, attributes)[0];
  const Array head({4, 3}, std::vector<double>(12, 0.5));
  expect_near(testing::call("_backward_SoftmaxOutput", {out, labels, head}, attributes)[0].values(),
              {-0.8872808, 0.6486542, 0.23862657});
}

TEST(SoftmaxOutput, InfersTheLabel) {
  const OpInfo& op = require_op("SoftmaxOutput");
  const auto label = [&](const Shape& data, const Attributes& attributes) {
    const ParametersRef parameters = op.parse(attributes);
    std::vector<Shape> in = {data, Shape::unknown()}, out = {Shape::unknown()};
    ShapeContext context{op, *parameters, in, out};
    op.shape_rule(context);
    return in[1];
  };
  EXPECT_EQ(label({2, 3}, {}), (Shape{2}));
  EXPECT_EQ(label({2, 3, 4}, {}), (Shape{2, 3}));
  EXPECT_EQ(label({2, 3, 4, 5}, {{"multi_output", "True"}}), (Shape{2, 20}));
  EXPECT_EQ(label({2, 3, 4, 5}, {{"preserve_shape", "True"}}), (Shape{2, 3, 4}));
}

TEST(RegressionOutput, Gradients) {
  const Array x = pattern({2, 3, 2});
  std::vector<double> half = x.values();
  for (double& v : half) v *= 0.5;
  const Array label({2, 3, 2}, half);
  const auto run = [&](std::string name) {
    const Array out = testing::call(name, {x, label}, {{"grad_scale", "3"}})[0];
    return testing::call("_backward_" + name, {out, label}, {{"grad_scale", "3"}})[0].values();
  };
  expect_near(run("LinearRegressionOutput"),
              {-0.25, 0.1875, -0.0625, 0.375, 0.125, -0.125, 0.3125});
  expect_near(run("LogisticRegressionOutput"), {0.3844707, 0.15208936, 0.28141177, 0.03378722});
  expect_near(run("MAERegressionOutput"),
              {-0.5, 0.5, -0.5, 0.5, 0.5, -0.5, 0.5, 0.5, -0.5, 0.5, -0.5, -0.5});
}

TEST(SoftmaxCrossEntropy, ValueAndGradient) {
  const Array x = pattern({2, 3}), label({2}, {0, 2});
  expect_near(testing::call("softmax_cross_entropy", {x, label})[0].values(), {4.5904613});
  expect_near(
      testing::call("_backward_softmax_cross_entropy", {Array({1}, {7}), x, label})[0].values(),
      {-6.2109656, 4.54058, 1.670386, 4.656687, 1.7130994, -6.3697863});
}

}  // namespace
}  // namespace gemel
