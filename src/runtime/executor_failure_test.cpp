// Executors whose kernels fail, and executors that go while their work is queued.
#include "runtime/executor.h"

#include "runtime/test_operators.h"
#include "runtime/testing.h"

namespace gemel::runtime {
namespace {

using ::testing::Each;
using ::testing::HasSubstr;
using namespace runtime::testing;

struct ExecutorFailure : ::testing::TestWithParam<const char*> {
  void TearDown() override {
    try {
      engine::wait_all();
    } catch (const std::exception&) {
    }
  }
};

std::shared_ptr<Executor> bind_chain(const char* op, const Shape& shape) {
  const Symbol x = Symbol::variable("x");
  const Symbol chain =
      node("square", "after",
           {node(op, "bad", {node("_mul_scalar", "before", {x}, {{"scalar", "2"}})})});
  return Executor::simple_bind(chain, {}, {{"x", shape}}, {}, {}, GradRequest::write);
}

TEST_P(ExecutorFailure, ForwardErrorsReachTheReaderAndGoAway) {
  for (int64_t size : {2, 300000}) {
    auto executor = bind_chain(GetParam(), {size});
    const NDArray argument = executor->bindings().arguments[0],
                  gradient = executor->bindings().gradients[0];
    for (int round = 0; round < 3; ++round) {
      filled({size}, -1).copy_to(argument);
      executor->forward(true);
      EXPECT_THAT(
          message_of([&] { values_of(executor->outputs()[0]); }),
          HasSubstr(fmt::format("[{}] node bad: expected no negative number, got -2", GetParam())));
      filled({size}, 3).copy_to(argument);
      executor->forward(true);
      EXPECT_EQ(values_of(executor->outputs()[0])[0], 36);
      executor->backward();
      EXPECT_EQ(values_of(gradient)[0], 24);
      filled({size}, -1).copy_to(argument);
      executor->forward_backward();
      EXPECT_THAT(message_of([&] { values_of(gradient); }), HasSubstr("negative"));
    }
  }
}

TEST_P(ExecutorFailure, BackwardErrorsSpareTheOutputs) {
  auto executor = bind_chain(GetParam(), {2});
  const NDArray gradient = executor->bindings().gradients[0];
  filled({2}, 1).copy_to(executor->bindings().arguments[0]);
  executor->forward(true);
  executor->backward({filled({2}, -1)});
  EXPECT_THAT(message_of([&] { values_of(gradient); }), HasSubstr("negative"));
  EXPECT_THAT(values_of(executor->outputs()[0]), Each(4));
  executor->forward(true);
  executor->backward({filled({2}, 1)});
  EXPECT_THAT(values_of(gradient), Each(8));
}

INSTANTIATE_TEST_SUITE_P(All, ExecutorFailure,
                         ::testing::Values("_test_runtime_fail", "_test_runtime_fail_later",
                                           "_test_runtime_fail_random"));

TEST(ExecutorLife, PoisonedArgumentsPassThrough) {
  auto executor = bind_chain("_test_runtime_fail", {2});
  const NDArray argument = executor->bindings().arguments[0];
  call_into("_test_runtime_fail_later", {filled({2}, -5)}, argument);
  executor->forward_backward();
  EXPECT_THAT(message_of([&] { values_of(executor->outputs()[0]); }), HasSubstr("got -5"));
  filled({2}, 1).copy_to(argument);
  executor->forward_backward();
  EXPECT_THAT(values_of(executor->outputs()[0]), Each(4));
}

TEST(ExecutorLife, QueuedWorkOutlivesTheExecutor) {
  NDArray outputs[4], gradients[4];
  for (int i = 0; i < 4; ++i) {
    Symbol chain = Symbol::variable("x");
    for (int k = 0; k < 3; ++k)
      chain = node("_test_runtime_slow", "slow" + std::to_string(k), {chain});
    auto executor = Executor::simple_bind(node("square", "s", {chain}), {}, {{"x", {4}}}, {}, {},
                                          GradRequest::write);
    call_into("_test_runtime_slow", {filled({4}, i + 1)}, executor->bindings().arguments[0]);
    for (int run = 0; run < 3; ++run) {
      executor->forward(true);
      executor->backward();
      executor->forward(false);
    }
    outputs[i] = executor->outputs()[0];
    gradients[i] = executor->bindings().gradients[0];
  }
  for (int i = 0; i < 4; ++i) {
    EXPECT_THAT(values_of(outputs[i]), Each((i + 1) * (i + 1)));
    EXPECT_THAT(values_of(gradients[i]), Each(2 * (i + 1)));
  }
}

TEST(ExecutorLife, QueuedFailuresOutliveTheExecutor) {
  NDArray output;
  {
    auto executor = bind_chain("_test_runtime_fail_later", {4});
    call_into("_test_runtime_slow", {filled({4}, -1)}, executor->bindings().arguments[0]);
    executor->forward_backward();
    output = executor->outputs()[0];
  }
  EXPECT_THAT(message_of([&] { values_of(output); }), HasSubstr("node bad"));
}

}  // namespace
}  // namespace gemel::runtime
