#include "runtime/cached_op.h"

#include "runtime/test_operators.h"
#include "runtime/testing.h"

namespace gemel::runtime {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using namespace runtime::testing;

const Symbol x = Symbol::variable("x"), w = Symbol::variable("w");

NDArray run(CachedOp& op, const std::vector<NDArray>& inputs) { return op(inputs).at(0); }

TEST(CachedOp, AnswersForEveryShapeAndType) {
  CachedOp op(node("square", "s", {node("elemwise_add", "a", {x, w})}));
  for (int round = 0; round < 2; ++round) {
    for (int64_t size : {1, 2, 5, 100}) {
      const NDArray y = run(op, {filled({size}, 1), filled({size}, 2)});
      ASSERT_EQ(y.shape(), Shape({size}));
      EXPECT_THAT(values_of(y), Each(9));
    }
    EXPECT_EQ(run(op, {filled({2}, 1, DType::float64), filled({2}, 1, DType::float64)}).dtype(),
              DType::float64);
  }
}

TEST(CachedOp, RecordsTwiceBeforeBackward) {
  CachedOp op(node("tanh", "t", {node("elemwise_mul", "m", {x, w})}));
  NDArray a = make_variable_array(filled({2}, 0.5)), b = make_variable_array(filled({2}, 0.25));
  NDArray v = make_variable_array(filled({2}, 2), GradRequest::add);
  NDArray first, second, inference;
  {
    Recording scope;
    first = run(op, {a, v});
    second = run(op, {b, v});
    const NDArray chained = run(op, {second, v});
    drop_history(second);
    second = chained;
  }
  inference = run(op, {b, v});
  backward(first);
  const double slope = 1 - std::tanh(1.0) * std::tanh(1.0);
  EXPECT_NEAR(gradient_values(a)[0], 2 * slope, 1e-6);
  EXPECT_NEAR(gradient_values(v)[0], 0.5 * slope, 1e-6);
  backward(second);
  const double inner = std::tanh(0.5), outer = std::tanh(2 * inner);
  EXPECT_NEAR(gradient_values(b)[0], (1 - outer * outer) * 2 * (1 - inner * inner) * 2, 1e-6);
  EXPECT_NEAR(values_of(inference)[0], inner, 1e-6);
}

TEST(CachedOp, RetainedGraphsRunAgain) {
  CachedOp op(node("square", "s", {x}));
  NDArray a = make_variable_array(filled({2}, 3));
  NDArray y;
  {
    Recording scope;
    y = run(op, {a});
  }
  backward(y, {}, true);
  backward(y, filled({2}, 10));
  EXPECT_THAT(gradient_values(a), Each(60));
  EXPECT_THAT(message_of([&] { backward(y); }), HasSubstr("retain_graph"));
}

TEST(CachedOp, TrainingAndInferenceDiffer) {
  CachedOp op(
      node("BatchNorm", "bn", {x}, {{"fix_gamma", "False"}, {"momentum", "0"}, {"eps", "0.001"}})
          .at(0));
  const NDArray data = make_variable_array(make_array({2, 1}, {1, 3})), gamma = filled({1}, 1),
                beta = filled({1}, 0);
  const NDArray mean = filled({1}, 0), variance = filled({1}, 1);
  const std::vector<NDArray> inputs = {data, gamma, beta, mean, variance};
  EXPECT_NEAR(values_of(run(op, inputs))[0], 1, 1e-2);
  EXPECT_THAT(values_of(mean), ElementsAre(0));
  NDArray trained;
  {
    Recording scope;
    trained = run(op, inputs);
  }
  EXPECT_NEAR(values_of(trained)[0], -1, 1e-2);
  backward(trained);
  EXPECT_THAT(values_of(mean), ElementsAre(2));
  EXPECT_NEAR(values_of(variance)[0], 1, 1e-6);
  EXPECT_NEAR(values_of(run(op, inputs))[0], -1, 1e-2);
}

TEST(CachedOp, OutputsThatNobodyUsesGetNoGradient) {
  CachedOp op(Symbol::group({node("square", "s", {x}), node("negative", "n", {x}), x}));
  NDArray a = make_variable_array(filled({2}, 3));
  std::vector<NDArray> outputs;
  {
    Recording scope;
    outputs = op(std::vector{a});
  }
  ASSERT_EQ(outputs.size(), 3u);
  backward(outputs[1]);
  EXPECT_THAT(gradient_values(a), Each(-1));
  EXPECT_THAT(values_of(outputs[2]), Each(3));
}

TEST(CachedOp, OnlyTrackedInputsGetGradients) {
  CachedOp op(node("elemwise_mul", "m", {x, w}));
  NDArray a = make_variable_array(filled({2}, 3));
  for (const bool first : {true, false}) {
    NDArray y;
    {
      Recording scope;
      y = first ? run(op, {a, filled({2}, 5)}) : run(op, {filled({2}, 7), a});
    }
    backward(y);
    EXPECT_THAT(gradient_values(a), Each(first ? 5 : 7));
  }
}

TEST(CachedOp, GoesWhileWorkIsQueued) {
  NDArray y, a = make_variable_array(filled({2}, 3));
  {
    CachedOp op(node("square", "q", {node("_test_runtime_slow", "s", {x})}));
    Recording scope;
    y = run(op, {a});
  }
  backward(y);
  EXPECT_THAT(values_of(y), Each(9));
  EXPECT_THAT(gradient_values(a), Each(6));
}

TEST(CachedOp, ErrorsReachTheReader) {
  CachedOp op(node("square", "q", {node("_test_runtime_fail_later", "bad", {x})}));
  const NDArray y = run(op, {filled({2}, -1)});
  EXPECT_THAT(message_of([&] { values_of(y); }), HasSubstr("[_test_runtime_fail_later] node bad"));
  EXPECT_THAT(values_of(run(op, {filled({2}, 2)})), Each(4));
  EXPECT_THAT(message_of([&] { run(op, {}); }), HasSubstr("expected 1 inputs, got 0"));
  EXPECT_THAT(message_of([&] { run(op, {NDArray()}); }), HasSubstr("input 'x' is an empty array"));
}

}  // namespace
}  // namespace gemel::runtime
