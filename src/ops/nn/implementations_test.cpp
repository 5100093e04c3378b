// Every implementation of an operator against its plain reference, on odd sizes, and empty batches.
#include <gtest/gtest.h>

#include <limits>

#include "ops/testing.h"

namespace gemel {
namespace {

using testing::Array;

Array pattern(const Shape& shape, DType dtype = DType::float32) {
  std::vector<double> values(static_cast<size_t>(shape.size()));
  for (size_t k = 0; k < values.size(); ++k)
    values[k] = (static_cast<double>(k * 37 % 101) - 50) / 64;
  return Array(shape, values, dtype);
}

void compare(std::string_view name, const std::vector<Array>& inputs,
             const Attributes& attributes) {
  const OpInfo& op = require_op(name);
  const ParametersRef parameters = op.parse(attributes);
  const auto expected = testing::call(op, parameters, inputs, {}, false, "reference");
  for (const Implementation& implementation : op.implementations) {
    if (implementation.name == "reference") continue;
    std::vector<Tensor> in, out;
    std::vector<Array> inputs_again = inputs, outputs = expected;
    for (Array& a : inputs_again) in.push_back(a.tensor());
    for (Array& a : outputs) out.push_back(a.tensor());
    if (implementation.when && !implementation.when(OpCall{op, *parameters, in, out})) continue;
    const auto got = testing::call(op, parameters, inputs, {}, false, implementation.name);
    for (size_t k = 0; k < expected.size(); ++k) {
      const auto want = expected[k].values(), have = got[k].values();
      for (size_t i = 0; i < want.size(); ++i)
        ASSERT_NEAR(have[i], want[i], 1e-4 * (1 + std::fabs(want[i])))
            << name << " " << implementation.name << " output " << k << " element " << i;
    }
  }
}

TEST(Implementations, ConvolutionOnOddSizes) {
  struct Case {
    Shape data, weight, out;
    Attributes attributes;
  };
  const std::vector<Case> cases = {
      {{3, 5, 11, 9}, {7, 5, 3, 3}, {3, 7, 11, 9}, {{"kernel", "(3,3)"}, {"pad", "(1,1)"}}},
      {{2, 17, 13, 7},
       {19, 17, 3, 2},
       {2, 19, 6, 4},
       {{"kernel", "(3,2)"}, {"stride", "(2,2)"}, {"pad", "(0,1)"}}},
      {{1, 6, 10, 10},
       {9, 2, 3, 3},
       {1, 9, 6, 6},
       {{"kernel", "(3,3)"}, {"dilate", "(2,2)"}, {"num_group", "3"}}},
      {{2, 32, 8, 8},
       {32, 1, 3, 3},
       {2, 32, 8, 8},
       {{"kernel", "(3,3)"}, {"pad", "(1,1)"}, {"num_group", "32"}}},
      {{3, 16, 15, 14},
       {24, 8, 3, 3},
       {3, 24, 15, 14},
       {{"kernel", "(3,3)"}, {"pad", "(1,1)"}, {"num_group", "2"}}},
      {{4, 16, 5, 5}, {24, 16, 1, 1}, {4, 24, 5, 5}, {{"kernel", "(1,1)"}}},
      {{8, 16, 5, 5}, {24, 16, 1, 1}, {8, 24, 5, 5}, {{"kernel", "(1,1)"}}},
      {{3, 20, 17, 17}, {24, 20, 1, 1}, {3, 24, 9, 9}, {{"kernel", "(1,1)"}, {"stride", "(2,2)"}}},
      {{2, 3, 23}, {5, 3, 4}, {2, 5, 8}, {{"kernel", "(4,)"}, {"stride", "(3,)"}, {"pad", "(2,)"}}},
      {{1, 3, 5, 6, 7},
       {4, 3, 2, 3, 2},
       {1, 4, 4, 6, 8},
       {{"kernel", "(2,3,2)"}, {"pad", "(0,1,1)"}}},
      {{2, 16, 9, 9}, {16, 16, 3, 3}, {2, 16, 4, 4}, {{"kernel", "(3,3)"}, {"stride", "(2,2)"}}},
  };
  for (const Case& c : cases) {
    Attributes attributes = c.attributes;
    attributes["num_filter"] = std::to_string(c.weight[0]);
    for (const char* no_bias : {"False", "True"}) {
      attributes["no_bias"] = no_bias;
      std::vector<Array> inputs = {pattern(c.data), pattern(c.weight)};
      if (std::string_view(no_bias) == "False") inputs.push_back(pattern({c.weight[0]}));
      compare("Convolution", inputs, attributes);
      compare("_backward_Convolution_data", {pattern(c.out), pattern(c.weight), pattern(c.data)},
              attributes);
      compare("_backward_Convolution_weight", {pattern(c.out), pattern(c.data)}, attributes);
    }
  }
}

TEST(Implementations, FullyConnectedOnOddSizes) {
  for (const auto& [rows, inputs, outputs] : {std::tuple{1, 1, 1}, {3, 17, 5}, {33, 130, 257}}) {
    const Attributes attributes = {{"num_hidden", std::to_string(outputs)}};
    const Array x = pattern({rows, inputs}), w = pattern({outputs, inputs}),
                y = pattern({rows, outputs});
    compare("FullyConnected", {x, w, pattern({outputs})}, attributes);
    compare("_backward_FullyConnected_data", {y, w, x}, attributes);
    compare("_backward_FullyConnected_weight", {y, x}, attributes);
  }
}

TEST(Implementations, LrnOnOddSizes) {
  for (const auto& [channels, size] : {std::pair{1, 3}, {3, 17}, {7, 4}, {19, 27}})
    for (const char* nsize : {"1", "3", "5", "15"})
      for (const char* beta : {"0.75", "0.6", "1"}) {
        const Attributes attributes = {{"nsize", nsize}, {"beta", beta}, {"alpha", "0.7"}};
        const Array x = pattern({2, channels, size, 25}), dy = pattern({2, channels, size, 25});
        compare("LRN", {x}, attributes);
        compare("_backward_LRN", {dy, x}, attributes);
      }
}

TEST(Implementations, PoolingOnOddSizes) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const std::vector<std::pair<Shape, Attributes>> cases = {
      {{3, 7, 7, 7}, {{"kernel", "(3,3)"}, {"pad", "(1,1)"}}},
      {{2, 5, 33, 28}, {{"kernel", "(3,3)"}, {"pad", "(1,1)"}}},
      {{2, 3, 13, 35}, {{"kernel", "(3,3)"}, {"stride", "(2,2)"}}},
      {{2, 3, 14, 36}, {{"kernel", "(3,3)"}, {"stride", "(2,2)"}, {"pooling_convention", "full"}}},
      {{1, 3, 19, 71}, {{"kernel", "(3,3)"}, {"stride", "(2,2)"}, {"pad", "(1,1)"}}},
      {{1, 2, 16, 66}, {{"kernel", "(2,2)"}, {"stride", "(2,2)"}}},
      {{1, 2, 20, 50}, {{"kernel", "(5,4)"}, {"stride", "(1,2)"}, {"pad", "(2,3)"}}},
      {{1, 2, 20, 50}, {{"kernel", "(2,5)"}, {"stride", "(3,3)"}, {"pad", "(1,2)"}}},
      {{2, 9, 31}, {{"kernel", "(3,)"}, {"stride", "(2,)"}}},
      {{1, 2, 5, 6, 21}, {{"kernel", "(2,3,3)"}, {"stride", "(2,1,2)"}, {"pad", "(1,1,1)"}}},
      {{2, 4, 7, 9}, {{"global_pool", "True"}}},
  };
  for (const auto& [shape, windows] : cases)
    for (const char* type : {"max", "avg", "sum"})
      for (const DType dtype : {DType::float32, DType::float16}) {
        Attributes attributes = windows;
        attributes["pool_type"] = type;
        Array x = pattern(shape, dtype);
        const Array y = testing::call("Pooling", {x}, attributes)[0];
        const Array dy = pattern(y.shape, dtype);
        compare("_backward_Pooling", {dy, x}, attributes);
        if (dtype == DType::float32 && type == std::string("max"))
          for (int64_t i = 0; i < shape.size() / 3; ++i) x.tensor().data<float>()[i * 2] = nan;
        compare("Pooling", {x}, attributes);
        if (type != std::string("max") || attributes.count("global_pool")) continue;
        compare("_max_pooling", {x}, attributes);
        const auto maxima = testing::call("_max_pooling", {x}, attributes);
        compare("_backward_max_pooling", {dy, maxima[1], x}, attributes);
      }
}

TEST(Implementations, Dot) {
  for (const char* a : {"False", "True"})
    for (const char* b : {"False", "True"}) {
      const bool ta = a[0] == 'T', tb = b[0] == 'T';
      const Attributes attributes = {{"transpose_a", a}, {"transpose_b", b}};
      compare("dot",
              {pattern(ta ? Shape{7, 5} : Shape{5, 7}), pattern(tb ? Shape{9, 7} : Shape{7, 9})},
              attributes);
      compare("batch_dot",
              {pattern(ta ? Shape{3, 7, 5} : Shape{3, 5, 7}),
               pattern(tb ? Shape{3, 9, 7} : Shape{3, 7, 9})},
              attributes);
    }
}

TEST(Implementations, EmptyBatches) {
  const Array none({0, 3, 8, 8}, DType::float32), weight = pattern({4, 3, 3, 3}),
                                                  head({0, 4, 6, 6}, DType::float32);
  const Attributes convolution = {{"kernel", "(3,3)"}, {"num_filter", "4"}};
  EXPECT_EQ(testing::call("Convolution", {none, weight, pattern({4})}, convolution)[0].shape,
            (Shape{0, 4, 6, 6}));
  const auto gradients = testing::call("_backward_Convolution_weight", {head, none}, convolution);
  for (double v : gradients[0].values()) EXPECT_EQ(v, 0);
  for (double v : gradients[1].values()) EXPECT_EQ(v, 0);
  const Attributes layer = {{"num_hidden", "2"}};
  EXPECT_EQ(
      testing::call("FullyConnected", {none, pattern({2, 192}), pattern({2})}, layer)[0].shape,
      (Shape{0, 2}));
  for (double v : testing::call("_backward_FullyConnected_weight",
                                {Array({0, 2}, DType::float32), none}, layer)[0]
                      .values())
    EXPECT_EQ(v, 0);
  for (double v :
       testing::call("dot", {Array({2, 0}, DType::float32), Array({0, 3}, DType::float32)})[0]
           .values())
    EXPECT_EQ(v, 0);
  EXPECT_EQ(testing::call("softmax", {Array({0, 3}, DType::float32)})[0].shape, (Shape{0, 3}));
}

TEST(Implementations, WrongShapesNameTheOperator) {
  const auto message = [](std::string_view name, std::vector<Array> inputs,
                          const Attributes& attributes) {
    try {
      testing::call(name, std::move(inputs), attributes);
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string("no error");
  };
  EXPECT_NE(message("dot", {pattern({2, 3}), pattern({4, 2})}, {}).find("[dot]"),
            std::string::npos);
  EXPECT_NE(message("batch_dot", {pattern({2, 2, 3}), pattern({1, 3, 2})}, {}).find("[batch_dot]"),
            std::string::npos);
  EXPECT_NE(message("FullyConnected", {pattern({2, 3}), pattern({4, 2}), pattern({4})},
                    {{"num_hidden", "4"}})
                .find("FullyConnected"),
            std::string::npos);
  EXPECT_NE(message("Convolution", {pattern({2, 4, 3, 3}), pattern({4, 4, 5, 5}), pattern({4})},
                    {{"num_filter", "4"}, {"kernel", "(5,5)"}})
                .find("[Convolution]"),
            std::string::npos);
  EXPECT_NE(message("Convolution", {pattern({2, 4, 3, 3}), pattern({4, 4, 1, 1}), pattern({4})},
                    {{"num_filter", "4"}, {"kernel", "(1,1)"}, {"layout", "NHWC"}})
                .find("[Convolution]"),
            std::string::npos);
}

}  // namespace
}  // namespace gemel
