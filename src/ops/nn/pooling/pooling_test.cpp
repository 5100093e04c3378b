#include <gtest/gtest.h>

#include <limits>

#include "ops/testing.h"

namespace gemel {
namespace {

using testing::Array;

Array pattern(const Shape& shape) {
  std::vector<double> values(static_cast<size_t>(shape.size()));
  for (size_t k = 0; k < values.size(); ++k) values[k] = (static_cast<double>(k * 7 % 11) - 4) / 4;
  return Array(shape, values);
}

Attributes windows(std::string type, std::string convention = "valid") {
  return {{"kernel", "(3, 2)"},
          {"stride", "(2, 3)"},
          {"pad", "(1, 1)"},
          {"pool_type", type},
          {"pooling_convention", convention}};
}

void expect_near(const Array& array, const std::vector<double>& expected) {
  const std::vector<double> values = array.values();
  ASSERT_EQ(values.size(), expected.size());
  for (size_t i = 0; i < expected.size(); ++i)
    EXPECT_NEAR(values[i], expected[i], 2e-6 * (1 + std::fabs(expected[i]))) << i;
}

// The literals of this file were recorded from MXNet 1.9.1.
TEST(Pooling, ValuesOfEachKind) {
  const Array x = pattern({1, 1, 5, 6});
  expect_near(testing::call("Pooling", {x}, windows("max"))[0],
              {1.25, 1.5, -0.5, 1.25, 1.5, 1.25, 0.25, 1, 0.75});
  expect_near(testing::call("Pooling", {x}, windows("avg"))[0],
              {0.04166667, 0.25, -0.25, 0.375, 0.5416667, 0.16666667, 0, 0.16666667, 0.16666667});
  Attributes without_pad = windows("avg");
  without_pad["count_include_pad"] = "False";
  expect_near(testing::call("Pooling", {x}, without_pad)[0],
              {0.125, 0.375, -0.75, 0.75, 0.5416667, 0.33333334, 0, 0.25, 0.5});
  expect_near(testing::call("Pooling", {x}, windows("sum"))[0],
              {0.25, 1.5, -1.5, 2.25, 3.25, 1, 0, 1, 1});
  Attributes lp = windows("lp");
  lp["p_value"] = "2";
  expect_near(testing::call("Pooling", {x}, lp)[0], {1.6007811, 1.9685019, 1.118034, 1.47902, 2.25,
                                                     1.767767, 0.35355338, 1.2247449, 0.7905694});
}

TEST(Pooling, FullConventionRoundsUp) {
  const Array x = pattern({1, 1, 7});
  const auto run = [&](std::string type) {
    return testing::call("Pooling", {x},
                         {{"kernel", "(3,)"},
                          {"stride", "(3,)"},
                          {"pool_type", type},
                          {"pooling_convention", "full"},
                          {"p_value", "1"}})[0];
  };
  expect_near(run("max"), {0.75, 1.5, 1.25});
  expect_near(run("avg"), {-0.16666669, 0.5, 1.25});
  expect_near(run("lp"), {-0.5, 1.5, 1.25});
}

TEST(Pooling, Shapes) {
  const auto shape = [](std::string convention, std::string kernel, std::string stride,
                        std::string pad) {
    return testing::call("Pooling", {pattern({1, 1, 7, 8})},
                         {{"kernel", kernel},
                          {"stride", stride},
                          {"pad", pad},
                          {"pooling_convention", convention}})[0]
        .shape;
  };
  EXPECT_EQ(shape("valid", "(2, 2)", "(2, 2)", "(1, 1)"), (Shape{1, 1, 4, 5}));
  EXPECT_EQ(shape("valid", "(3, 3)", "(3, 3)", "(1, 1)"), (Shape{1, 1, 3, 3}));
  EXPECT_EQ(shape("full", "(3, 3)", "(2, 2)", "(0, 0)"), (Shape{1, 1, 3, 4}));
  EXPECT_EQ(shape("full", "(2, 2)", "(2, 2)", "(1, 1)"), (Shape{1, 1, 5, 5}));
  EXPECT_EQ(shape("full", "(3, 3)", "(3, 3)", "(1, 1)"), (Shape{1, 1, 3, 4}));
}

TEST(Pooling, GlobalIgnoresTheWindow) {
  const Attributes global = {
      {"global_pool", "True"}, {"kernel", "(2, 2)"}, {"stride", "(2, 2)"}, {"pad", "(1, 1)"}};
  Attributes lp = global;
  lp["pool_type"] = "lp";
  lp["p_value"] = "3";
  const Array x = pattern({1, 1, 5, 6});
  expect_near(testing::call("Pooling", {x}, global)[0], {1.5});
  expect_near(testing::call("Pooling", {x}, lp)[0], {2.4882784});
}

TEST(Pooling, FirstOfEqualMaximaTakesTheGradient) {
  const Array ones({1, 1, 4}, {1, 1, 1, 1}), dy({1, 1, 3}, {1, 1, 1});
  EXPECT_EQ(testing::call("_backward_Pooling", {dy, ones}, {{"kernel", "(2,)"}})[0].values(),
            (std::vector<double>{1, 1, 1, 0}));
}

TEST(Pooling, EmptyBatch) {
  EXPECT_EQ(
      testing::call("Pooling", {Array({0, 3, 4, 4}, DType::float32)}, {{"kernel", "(2, 2)"}})[0]
          .shape,
      (Shape{0, 3, 3, 3}));
}

TEST(Pooling, RefusesWhatItCannotDo) {
  const Array x = pattern({1, 2, 4, 4});
  EXPECT_THROW(testing::call("Pooling", {x}, {{"kernel", "(9, 9)"}}), Error);
  EXPECT_THROW(testing::call("Pooling", {x}, {{"kernel", "(2,)"}}), Error);
  EXPECT_THROW(testing::call("Pooling", {x}, {{"kernel", "(2, 2)"}, {"layout", "NWHC"}}), Error);
  EXPECT_THROW(testing::call("Pooling", {x}, {{"kernel", "(2, 2)"}, {"pool_type", "lp"}}), Error);
}

// Windows of more than 2^20 places, and windows without any number but padding and infinity.
TEST(Pooling, GradientsOfLargeAndOfEmptyWindows) {
  const int64_t side = 1040;
  std::vector<double> values(static_cast<size_t>(side * side), 0);
  values[values.size() - 2] = 1;
  const OpInfo& op = require_op("_backward_Pooling");
  const Attributes global = {{"global_pool", "True"}, {"pool_type", "max"}};
  const Array dx = testing::call(op, op.parse(global),
                                 {Array({1, 1, 1, 1}, {3}), Array({1, 1, side, side}, values)})[0];
  EXPECT_EQ(dx.values()[values.size() - 2], 3);

  const double infinity = std::numeric_limits<double>::infinity();
  const Attributes padded = {{"kernel", "(3, 3)"}, {"pad", "(1, 1)"}, {"pool_type", "max"}};
  const Array none({1, 1, 3, 3}, std::vector<double>(9, -infinity));
  const Array nothing = testing::call(op, op.parse(padded),
                                      {Array({1, 1, 3, 3}, std::vector<double>(9, 1)), none})[0];
  for (const double value : nothing.values()) EXPECT_EQ(value, 0);
}

}  // namespace
}  // namespace gemel
