// What 1.9.1 does at the edges; values recorded from it.
#include <gtest/gtest.h>

#include "ops/testing.h"

namespace gemel {
namespace {

using testing::Array;
using testing::call;

const std::vector<double> points{-2.5, -1, -0.5, 0, 0.5, 1, 1.5, 2.5};

std::vector<double> unary(const char* name, const Attributes& attributes = {}) {
  return call(name, {Array({8}, points)}, attributes)[0].values();
}

std::vector<double> gradient(const char* name, const Attributes& attributes = {}) {
  const OpInfo& op = require_op(name);
  const NodeRef x = make_variable("x"), dy = make_variable("dy");
  const NodeRef node = make_node(op, "n", {{x, 0, 0}}, attributes);
  testing::Evaluator evaluate;
  evaluate.known[x.get()] = {Array({8}, points)};
  evaluate.known[dy.get()] = {Array({8}, std::vector<double>(8, 1))};
  return evaluate(testing::gradient_of(node, {{dy, 0, 0}})[0]).values();
}

TEST(Math, Rounding) {
  EXPECT_EQ(unary("round"), (std::vector<double>{-3, -1, -1, 0, 1, 1, 2, 3}));
  EXPECT_EQ(unary("rint"), (std::vector<double>{-3, -1, -1, 0, 0, 1, 1, 2}));
  EXPECT_EQ(unary("fix"), (std::vector<double>{-2, -1, 0, 0, 0, 1, 1, 2}));
}

TEST(Math, GradientsAtKinks) {
  EXPECT_EQ(gradient("abs"), (std::vector<double>{-1, -1, -1, 0, 1, 1, 1, 1}));
  EXPECT_EQ(gradient("relu"), (std::vector<double>{0, 0, 0, 0, 1, 1, 1, 1}));
  EXPECT_EQ(gradient("clip", {{"a_min", "-1"}, {"a_max", "1"}}),
            (std::vector<double>{0, 1, 1, 1, 1, 1, 0, 0}));
  EXPECT_EQ(gradient("_maximum_scalar", {{"scalar", "1.5"}}),
            (std::vector<double>{0, 0, 0, 0, 0, 0, 1, 1}));
  EXPECT_EQ(gradient("_minimum_scalar", {{"scalar", "1.5"}}),
            (std::vector<double>{1, 1, 1, 1, 1, 1, 1, 0}));
  EXPECT_EQ(gradient("smooth_l1", {{"scalar", "1"}}),
            (std::vector<double>{-1, -1, -0.5, 0, 0.5, 1, 1, 1}));
}

TEST(Math, IntegersNeverTrap) {
  const Array zero({2}, {0, 0}, DType::int32), some({2}, {7, -2147483648.0}, DType::int32),
      minus({2}, {-1, -1}, DType::int32);
  EXPECT_NO_THROW(call("broadcast_div", {some, zero}));
  EXPECT_NO_THROW(call("broadcast_mod", {some, zero}));
  EXPECT_NO_THROW(call("_rdiv_scalar", {zero}, {{"scalar", "3"}}));
  EXPECT_EQ(call("broadcast_mod", {some, minus})[0].values(), (std::vector<double>{0, 0}));
  EXPECT_EQ(call("_plus_scalar", {Array({1}, {1}, DType::int32)}, {{"scalar", "1.5"}})[0].values(),
            (std::vector<double>{2}));
}

TEST(Math, Cast) {
  const Array x({3}, {1.7, -1.7, 300});
  EXPECT_EQ(call("Cast", {x}, {{"dtype", "uint8"}})[0].values(), (std::vector<double>{1, 255, 44}));
  EXPECT_EQ(call("Cast", {x}, {{"dtype", "int32"}})[0].values(), (std::vector<double>{1, -1, 300}));
  EXPECT_EQ(call("Cast", {Array({3}, {0.5, -1.7, 0})}, {{"dtype", "bool"}})[0].values(),
            (std::vector<double>{1, 1, 0}));
  EXPECT_EQ(call("Cast", {Array({1}, {16777217}, DType::int64)}, {{"dtype", "int32"}})[0].values(),
            (std::vector<double>{16777217}));
}

TEST(Math, AddManyArrays) {
  const std::vector<Array> arrays(150, Array({2}, {1, 2}));
  EXPECT_EQ(call("add_n", arrays, {{"num_args", "150"}})[0].values(),
            (std::vector<double>{150, 300}));
}

TEST(Math, WhereChoosesElementsAndRows) {
  const Array one({2, 2}, {1, 2, 3, 4}), two({2, 2}, {5, 6, 7, 8});
  EXPECT_EQ(call("where", {Array({2, 2}, {1, 0, 0, 1}), one, two})[0].values(),
            (std::vector<double>{1, 6, 7, 4}));
  EXPECT_EQ(call("where", {Array({2}, {1, 0}), one, two})[0].values(),
            (std::vector<double>{1, 2, 7, 8}));
}

TEST(Creation, RangesAndConstants) {
  EXPECT_EQ(call("_arange", {}, {{"start", "1"}, {"stop", "6"}, {"step", "2"}, {"repeat", "2"}})[0]
                .values(),
            (std::vector<double>{1, 1, 3, 3, 5, 5}));
  EXPECT_EQ(call("_arange", {}, {{"start", "3"}})[0].values(), (std::vector<double>{0, 1, 2}));
  EXPECT_EQ(call("_full", {}, {{"shape", "(2,)"}, {"value", "3"}, {"dtype", "int32"}})[0].dtype,
            DType::int32);
  EXPECT_EQ(call("_eye", {}, {{"N", "2"}, {"k", "1"}})[0].values(),
            (std::vector<double>{0, 1, 0, 0}));
  EXPECT_EQ(call("_zeros", {}, {{"shape", "(2, 3)"}})[0].shape, (Shape{2, 3}));
}

}  // namespace
}  // namespace gemel
