#include <gtest/gtest.h>

#include "ops/testing.h"

namespace gemel {
namespace {

using testing::Array;

std::vector<Array> run(const Array& x, const Attributes& attributes, bool training,
                       RandomStream stream = {7, 0}) {
  const OpInfo& op = require_op("Dropout");
  return testing::call(op, op.parse(attributes), {x}, stream, training);
}

TEST(Dropout, KeepsTheExpectation) {
  const Array ones({100, 100}, std::vector<double>(10000, 1));
  const auto values = run(ones, {{"p", "0.25"}}, true)[0].values();
  double sum = 0;
  for (double v : values) {
    EXPECT_TRUE(v == 0 || std::fabs(v - 1 / 0.75) < 1e-6) << v;
    sum += v;
  }
  EXPECT_NEAR(sum / 10000, 1, 0.03);
}

TEST(Dropout, PassesInPrediction) {
  const Array x({2, 3}, {1, 2, 3, 4, 5, 6});
  EXPECT_EQ(run(x, {}, false)[0].values(), x.values());
  EXPECT_NE(run(Array({64}, std::vector<double>(64, 1)), {{"mode", "always"}}, false)[0].values(),
            std::vector<double>(64, 1));
}

TEST(Dropout, SharesAlongAxes) {
  const auto values =
      run(Array({8, 6}, std::vector<double>(48, 1)), {{"axes", "(1,)"}}, true)[0].values();
  for (int row = 0; row < 8; ++row)
    for (int i = 1; i < 6; ++i) EXPECT_EQ(values[row * 6 + i], values[row * 6]);
}

TEST(Dropout, BackwardDrawsTheSameNumbersAgain) {
  const Array ones({8, 6}, std::vector<double>(48, 1));
  const auto out = run(ones, {}, true);
  const OpInfo& op = require_op("_backward_Dropout");
  EXPECT_EQ(testing::call(op, op.parse({}), {ones, out[1]}, {}, true)[0].values(), out[0].values());
}

TEST(Dropout, StreamsDifferAndRepeat) {
  const Array ones({64}, std::vector<double>(64, 1));
  EXPECT_EQ(run(ones, {}, true, {7, 0})[0].values(), run(ones, {}, true, {7, 0})[0].values());
  EXPECT_NE(run(ones, {}, true, {7, 0})[0].values(), run(ones, {}, true, {7, 16})[0].values());
  for (double v : run(ones, {{"p", "1"}}, true)[0].values()) EXPECT_EQ(v, 0);
}

}  // namespace
}  // namespace gemel
