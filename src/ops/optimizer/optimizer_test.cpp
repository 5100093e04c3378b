// Expected values recorded from MXNet 1.9.1.
#include <gtest/gtest.h>

#include "ops/testing.h"

namespace gemel {
namespace {

using testing::Array;

void expect_near(const std::vector<double>& got, const std::vector<double>& expected,
                 double tolerance = 1e-6) {
  ASSERT_EQ(got.size(), expected.size());
  for (size_t i = 0; i < got.size(); ++i) EXPECT_NEAR(got[i], expected[i], tolerance);
}

// Runs with the output in the weight's own memory; `arrays` see what was written.
void update(const char* name, std::vector<Array>& arrays, const Attributes& attributes) {
  const OpInfo& op = require_op(name);
  const ParametersRef parameters = op.parse(attributes);
  std::vector<Tensor> in;
  for (Array& a : arrays) in.push_back(a.tensor());
  op.implementations.back().kernel(OpCall{op, *parameters, in, std::span(in.data(), 1)});
}

const Attributes common{
    {"lr", "0.1"}, {"wd", "0.5"}, {"rescale_grad", "0.5"}, {"clip_gradient", "3"}};

TEST(Optimizer, Sgd) {
  std::vector<Array> a{Array({2}, {1, 2}), Array({2}, {10, -20})};
  update("sgd_update", a, common);
  expect_near(a[0].values(), {0.65, 2.2});
  a[0] = Array({2}, {1, 2});
  update("sgd_update", a, {{"lr", "0.1"}, {"wd", "0.5"}, {"clip_gradient", "0"}});
  expect_near(a[0].values(), {0.95, 1.9});
}

TEST(Optimizer, SgdWithMomentum) {
  std::vector<Array> a{Array({2}, {1, 2}), Array({2}, {10, -20}), Array({2}, {1, 1})};
  Attributes attributes = common;
  attributes["momentum"] = "0.9";
  update("sgd_mom_update", a, attributes);
  expect_near(a[0].values(), {1.55, 3.1});
  expect_near(a[2].values(), {0.55, 1.1});
}

TEST(Optimizer, Adam) {
  std::vector<Array> a{Array({2}, {1, 2}), Array({2}, {10, -20}), Array({2}, {1, 1}),
                       Array({2}, {1, 1})};
  update("adam_update", a, common);
  expect_near(a[0].values(), {0.88047713, 1.9402386});
  expect_near(a[2].values(), {1.2, 0.6});
  expect_near(a[3].values(), {1.008, 1.008});
}

TEST(Optimizer, MasterWeights) {
  std::vector<Array> a{Array({2}, {1, 2}, DType::float16), Array({2}, {10, -20}, DType::float16),
                       Array({2}, {1, 2})};
  update("mp_sgd_update", a, {{"lr", "0.1"}, {"wd", "0.5"}, {"clip_gradient", "3"}});
  expect_near(a[0].values(), {0.65, 2.2}, 1e-3);
  expect_near(a[2].values(), {0.65, 2.2});
}

}  // namespace
}  // namespace gemel
