#include <gtest/gtest.h>

#include "ops/testing.h"

namespace gemel {
namespace {

using testing::Array;

// (k * 7 % 11 - 4) / 4 for element k.
Array pattern(const Shape& shape) {
  std::vector<double> values(static_cast<size_t>(shape.size()));
  for (size_t k = 0; k < values.size(); ++k) values[k] = (static_cast<double>(k * 7 % 11) - 4) / 4;
  return Array(shape, values);
}

void expect_near(const Array& array, const std::vector<double>& expected, double tolerance = 2e-6) {
  const std::vector<double> values = array.values();
  ASSERT_GE(values.size(), expected.size());
  for (size_t i = 0; i < expected.size(); ++i)
    EXPECT_NEAR(values[i], expected[i], tolerance * (1 + std::fabs(expected[i])))
        << "element " << i;
}

const Attributes attributes = {{"fix_gamma", "False"}, {"eps", "0.01"}, {"momentum", "0.8"}};
const Array gamma({3}, {2, .5, 3}), beta({3}, {.1, .2, .3}), moving_mean({3}, {.5, .6, .7}),
    moving_var({3}, {1, 2, 3});

std::vector<Array> forward(bool training, const Attributes& with = attributes) {
  const OpInfo& op = require_op("BatchNorm");
  return testing::call(op, op.parse(with),
                       {pattern({2, 3, 4}), gamma, beta, moving_mean, moving_var}, {}, training);
}

// The literals of this file were recorded from MXNet 1.9.1.
TEST(BatchNorm, TrainsWithTheStatisticsOfTheBatch) {
  const auto out = forward(true);
  expect_near(out[0], {-3.3521152, 0.8504598, -1.5510116, 2.6515632, 0.3927164, -0.29249746,
                       0.90662676, 0.22141294, -2.489441, 4.0192547, 0.3, -3.4192545, 0.8504598});
  expect_near(out[1], {0.4375, 0.21875, 0});
  expect_near(out[2], {1.2007357, 1.3704277, 1.2397515});
}

TEST(BatchNorm, PredictsWithTheMovingStatistics) {
  for (bool training : {false, true}) {
    Attributes with = attributes;
    with["use_global_stats"] = training ? "True" : "False";
    const auto out = forward(training, with);
    expect_near(out[0],
                {-2.8851116, 0.59751856, -1.3925557, 2.0900743, 0.16473271, -0.1879401, 0.4292373});
    expect_near(out[1], {.5, .6, .7});
    expect_near(out[2], {0.99503714, 0.70534563, 0.5763904});
  }
}

TEST(BatchNorm, BackwardMovesTheStatisticsInTraining) {
  const OpInfo& op = require_op("_backward_BatchNorm");
  const ParametersRef parameters = op.parse(attributes);
  const auto out = forward(true);
  Array dy = pattern({2, 3, 4});
  std::vector<double> squares = dy.values();
  for (double& v : squares) v *= v;
  std::vector<Array> in = {Array({2, 3, 4}, squares),
                           pattern({2, 3, 4}),
                           gamma,
                           out[1],
                           out[2],
                           moving_mean,
                           moving_var};
  std::vector<Array> results = {Array({2, 3, 4}, DType::float32), Array({3}, DType::float32),
                                Array({3}, DType::float32)};
  std::vector<Tensor> inputs, outputs;
  for (Array& a : in) inputs.push_back(a.tensor());
  for (Array& a : results) outputs.push_back(a.tensor());
  op.implementations[0].kernel(OpCall{op, *parameters, inputs, outputs, true});
  expect_near(in[5], {0.4875, 0.52375, 0.56});
  expect_near(in[6], {0.93671876, 1.7044922, 2.528125});
  expect_near(results[0],
              {2.5554516, -1.2407355, -0.8725892, 1.6350859, -0.32772735, 0.05714307, 0.282963});
  expect_near(results[1], {4.352667, 3.2788553, 0}, 1e-5);
  expect_near(results[2], {7, 4.5625, 5.125});

  in[5] = moving_mean;
  in[6] = moving_var;
  inputs[5] = in[5].tensor();
  inputs[6] = in[6].tensor();
  op.implementations[0].kernel(OpCall{op, *parameters, inputs, outputs, false});
  EXPECT_EQ(in[5].values(), moving_mean.values());
  EXPECT_EQ(in[6].values(), moving_var.values());
}

TEST(BatchNorm, FixedGammaCountsAsOne) {
  const OpInfo& op = require_op("BatchNorm");
  const auto fixed = testing::call(
      op, op.parse({}), {pattern({2, 3, 4}), gamma, beta, moving_mean, moving_var}, {}, true);
  expect_near(fixed[0],
              {-1.6373663, 0.47768834, -0.7309143, 1.3841404, 0.5887321, -0.7934265, 1.6253512});
}

TEST(BatchNorm, HalvesHaveFloatStatistics) {
  const OpInfo& op = require_op("BatchNorm");
  const ParametersRef parameters = op.parse({});
  std::vector<DType> in(5, DType::none), out(3, DType::none);
  in[0] = DType::float16;
  TypeContext types{op, *parameters, in, out};
  op.type_rule(types);
  EXPECT_EQ(out[0], DType::float16);
  for (int i = 1; i < 5; ++i) EXPECT_EQ(in[i], DType::float32);
  EXPECT_EQ(out[1], DType::float32);
}

// More rows than are added up at a time and more channels than one strip has, far from 0.
TEST(BatchNorm, RowsOfChannelsKeepTheirDigits) {
  constexpr int64_t rows = 5000, channels = 517;
  std::vector<double> values(static_cast<size_t>(rows * channels));
  for (size_t k = 0; k < values.size(); ++k)
    values[k] = 1000 + static_cast<double>(k * 7 % 64) / 64 + static_cast<double>(k % channels);
  const std::vector<double> ones(channels, 1), zeros(channels, 0);
  const Shape shape{channels};
  const OpInfo& op = require_op("BatchNorm");
  const auto out = testing::call(op, op.parse(attributes),
                                 {Array({rows, channels}, values), Array(shape, ones),
                                  Array(shape, zeros), Array(shape, zeros), Array(shape, ones)},
                                 {}, true);
  const std::vector<double> means = out[1].values(), inverses = out[2].values();
  for (size_t c : {size_t{0}, size_t{31}, size_t{516}}) {
    double sum = 0, squares = 0;
    for (size_t r = 0; r < rows; ++r) sum += values[r * channels + c];
    for (size_t r = 0; r < rows; ++r) squares += std::pow(values[r * channels + c] - sum / rows, 2);
    EXPECT_NEAR(means[c] * rows / sum, 1, 1e-7) << c;
    EXPECT_NEAR(inverses[c] * std::sqrt(squares / rows + .01), 1, 2e-7) << c;
  }
}

TEST(BatchNorm, NotANumberSpoilsItsOwnChannelOnly) {
  std::vector<double> values(200 * 3, 1);
  values[3 * 150 + 1] = std::nan("");
  const OpInfo& op = require_op("BatchNorm");
  const auto out =
      testing::call(op, op.parse(attributes),
                    {Array({200, 3}, values), gamma, beta, moving_mean, moving_var}, {}, true);
  for (size_t c = 0; c < 3; ++c)
    for (size_t which : {size_t{0}, size_t{1}, size_t{2}})
      EXPECT_EQ(std::isnan(out[which].values()[c]), c == 1) << which;
}

TEST(BatchNorm, EmptyBatch) {
  const auto out = testing::call(
      "BatchNorm", {Array({0, 3, 4}, DType::float32), gamma, beta, moving_mean, moving_var});
  EXPECT_EQ(out[0].shape, (Shape{0, 3, 4}));
}

}  // namespace
}  // namespace gemel
