#include <gtest/gtest.h>

#include <numeric>

#include "kernels/reduce.h"
#include "ops/testing.h"

namespace gemel {
namespace {

using testing::Array;
using testing::call;

Array ramp(const Shape& shape, DType dtype = DType::float32) {
  std::vector<double> values(static_cast<size_t>(shape.size()));
  std::iota(values.begin(), values.end(), 0);
  return Array(shape, values, dtype);
}

// Every set of axes of a 4-axis array against plain loops.
TEST(Reduce, EverySetOfAxes) {
  const Shape shape{3, 2, 5, 4};
  const Array in = ramp(shape);
  const std::vector<double> x = in.values();
  for (uint32_t bits = 1; bits < 16; ++bits) {
    std::string axes = "(";
    Shape kept;
    for (int i = 0; i < 4; ++i) {
      if (bits >> i & 1)
        axes += std::to_string(i) + ",";
      else
        kept.push_back(shape[i]);
    }
    std::vector<double> expected(static_cast<size_t>(kept.size()), 0);
    for (int64_t e = 0; e < shape.size(); ++e) {
      int64_t rest = e, index = 0, step = 1;
      for (int i = 3; i >= 0; --i) {
        const int64_t at = rest % shape[i];
        rest /= shape[i];
        if (bits >> i & 1) continue;
        index += at * step;
        step *= shape[i];
      }
      expected[static_cast<size_t>(index)] += x[static_cast<size_t>(e)];
    }
    EXPECT_EQ(call("sum", {in}, {{"axis", axes + ")"}})[0].values(), expected) << axes;
  }
}

TEST(Reduce, ShapesOfTheResult) {
  const Array in = ramp({2, 3, 4});
  const auto shape = [&](const Attributes& attributes) {
    return call("sum", {in}, attributes)[0].shape;
  };
  EXPECT_EQ(shape({}), (Shape{1}));
  EXPECT_EQ(shape({{"axis", "()"}}), (Shape{1}));
  EXPECT_EQ(shape({{"keepdims", "1"}}), (Shape{1, 1, 1}));
  EXPECT_EQ(shape({{"axis", "-1"}}), (Shape{2, 3}));
  EXPECT_EQ(shape({{"axis", "(1,)"}, {"exclude", "1"}}), (Shape{3}));
  EXPECT_THROW(shape({{"axis", "3"}}), Error);
  EXPECT_THROW(shape({{"axis", "(0, -3)"}}), Error);
}

TEST(Reduce, LargeArraysKeepPrecision) {
  const int64_t n = 3'000'001;
  const std::vector<double> values(static_cast<size_t>(n), 0.1);
  const double exact = static_cast<double>(0.1f) * static_cast<double>(n);
  EXPECT_NEAR(call("sum", {Array({n}, values)})[0].values()[0], exact, exact * 1e-6);
  EXPECT_NEAR(
      call("sum", {Array({n / 7, 7}, std::vector<double>(static_cast<size_t>(n / 7 * 7), 0.1))},
           {{"axis", "0"}})[0]
          .values()[3],
      exact / static_cast<double>(n) * static_cast<double>(n / 7), exact / 7 * 1e-6);
  EXPECT_EQ(
      call("sum", {Array({4096}, std::vector<double>(4096, 1), DType::float16)})[0].values()[0],
      4096);
}

TEST(Reduce, NanAndEmpty) {
  const double nan = std::nan("");
  const Array in({3, 3}, {1, nan, 3, nan, nan, 2, nan, nan, nan});
  EXPECT_EQ(call("nansum", {in}, {{"axis", "1"}})[0].values(), (std::vector<double>{4, 2, 0}));
  EXPECT_EQ(call("nanprod", {in}, {{"axis", "1"}})[0].values(), (std::vector<double>{3, 2, 1}));
  EXPECT_TRUE(std::isnan(call("max", {in})[0].values()[0]));
  EXPECT_EQ(call("argmax", {in}, {{"axis", "1"}})[0].values(), (std::vector<double>{1, 0, 0}));
  EXPECT_EQ(call("argmin", {in}, {{"axis", "1"}})[0].values(), (std::vector<double>{1, 0, 0}));
  EXPECT_EQ(call("sum", {Array({2, 0}, std::vector<double>{})}, {{"axis", "1"}})[0].values(),
            (std::vector<double>{0, 0}));
  EXPECT_EQ(call("sum", {Array({0, 2}, std::vector<double>{})}, {{"axis", "1"}})[0].shape,
            (Shape{0}));
  EXPECT_THROW(call("max", {Array({2, 0}, std::vector<double>{})}, {{"axis", "1"}}), Error);
}

TEST(Reduce, IntegersStayIntegers) {
  const Array in({3}, {1, 2, 4}, DType::int32);
  EXPECT_EQ(call("mean", {in})[0].values(), (std::vector<double>{2}));
  EXPECT_EQ(call("norm", {in})[0].values(), (std::vector<double>{4}));
  EXPECT_EQ(call("max", {in})[0].dtype, DType::int32);
  EXPECT_EQ(call("argmax", {in}, {{"axis", "0"}})[0].dtype, DType::int32);
}

TEST(Reduce, ArgMaxTakesTheFirst) {
  EXPECT_EQ(call("argmax", {Array({2, 3}, {2, 5, 5, 1, 1, 0})}, {{"axis", "1"}})[0].values(),
            (std::vector<double>{1, 0}));
  EXPECT_EQ(call("argmin", {Array({2, 3}, {2, 5, 2, 1, 1, 0})}, {{"axis", "0"}})[0].values(),
            (std::vector<double>{1, 1, 1}));
  EXPECT_EQ(call("argmax", {ramp({2, 3, 4})}, {{"keepdims", "1"}})[0].shape, (Shape{1, 1, 1}));
}

TEST(Reduce, SumToLikeInPlace) {
  Array in = ramp({2, 3});
  const OpInfo& op = require_op("_sum_to_like");
  const ParametersRef parameters = op.parse({});
  Array like({1, 3}, DType::float32);
  const Tensor inputs[] = {in.tensor(), like.tensor()};
  const Tensor outputs[] = {Tensor(in.bytes.data(), Shape{1, 3}, DType::float32)};
  op.implementations.back().kernel(OpCall{op, *parameters, inputs, outputs});
  const auto values = in.values();
  EXPECT_EQ(std::vector<double>(values.begin(), values.begin() + 3),
            (std::vector<double>{3, 5, 7}));
}

TEST(Broadcast, ShapesMustFit) {
  const Array in({1, 3}, {1, 2, 3});
  EXPECT_EQ(call("broadcast_to", {in}, {{"shape", "(2, 0)"}})[0].values(),
            (std::vector<double>{1, 2, 3, 1, 2, 3}));
  EXPECT_THROW(call("broadcast_to", {in}, {{"shape", "(2, 4)"}}), Error);
  EXPECT_EQ(
      call("broadcast_like", {in, ramp({7, 5})}, {{"lhs_axes", "(0,)"}, {"rhs_axes", "(1,)"}})[0]
          .shape,
      (Shape{5, 3}));
}

}  // namespace
}  // namespace gemel
