// Executors that keep what depends on parameters only: however a parameter is written, the next run
// sees it; and what nobody wrote is not computed again.
#include "runtime/hoisted_values.h"

#include "array/dlpack.h"
#include "base/settings.h"
#include "runtime/cached_op.h"
#include "runtime/executor.h"
#include "runtime/testing.h"

namespace gemel::runtime {
namespace {

using ::testing::Each;
using ::testing::HasSubstr;
using ::testing::Not;
using namespace runtime::testing;

const Symbol x = Symbol::variable("x"), w = Symbol::variable("w");

// 2 * w * x: the product with 2 is hoisted.
Symbol doubled() {
  return node("FullyConnected", "fc", {x, node("_mul_scalar", "two", {w}, {{"scalar", "2"}})},
              {{"num_hidden", "1"}, {"no_bias", "True"}});
}

struct Bound {
  std::shared_ptr<Executor> executor =
      Executor::simple_bind(doubled(), {}, {{"x", {1, 2}}}, {}, {}, GradRequest::null);
  NDArray data = executor->bindings().arguments[0], weight = executor->bindings().arguments[1];
  Bound() {
    filled({1, 2}, 1).copy_to(data);
    filled({1, 2}, 3).copy_to(weight);
  }
  double run() const {
    executor->forward(false);
    return values_of(executor->outputs()[0])[0];
  }
};

TEST(HoistedValues, FollowEveryWayOfWriting) {
  const Bound bound;
  EXPECT_EQ(bound.run(), 12);
  EXPECT_EQ(bound.run(), 12);
  filled({1, 2}, 5).copy_to(bound.weight);
  EXPECT_EQ(bound.run(), 20);
  call_into("_plus_scalar", {bound.weight}, bound.weight, {{"scalar", "1"}});
  EXPECT_EQ(bound.run(), 24);
  filled({1}, 0).copy_to(bound.weight.reshape({2}).slice(0, 1));
  EXPECT_EQ(bound.run(), 12);
  const float values[] = {1, 1};
  NDArray(bound.weight).copy_from_host(values, sizeof values);
  EXPECT_EQ(bound.run(), 4);
}

TEST(HoistedValues, AreComputedAgainAfterAWriteOnly) {
  const Bound bound;
  bound.run();
  EXPECT_THAT(bound.executor->debug_string(), HasSubstr("kept between runs"));
  EXPECT_THAT(bound.executor->debug_string(), HasSubstr("computed 1 times"));
  filled({1, 2}, 2).copy_to(bound.data);
  bound.run();
  bound.run();
  EXPECT_THAT(bound.executor->debug_string(), HasSubstr("computed 1 times"));
  filled({1, 2}, 2).copy_to(bound.weight);
  bound.run();
  EXPECT_THAT(bound.executor->debug_string(), HasSubstr("computed 2 times"));
}

TEST(HoistedValues, FollowMemoryThatWasLent) {
  const Bound bound;
  EXPECT_EQ(bound.run(), 12);
  dlpack::DLManagedTensor* tensor = dlpack::lend(bound.weight, false);
  EXPECT_EQ(bound.run(), 12);
  static_cast<float*>(tensor->tensor.data)[0] = 4;
  EXPECT_EQ(bound.run(), 14);
  static_cast<float*>(tensor->tensor.data)[1] = 4;
  EXPECT_EQ(bound.run(), 16);
  tensor->deleter(tensor);
}

TEST(HoistedValues, FollowParametersThatExecutorsShare) {
  const Bound bound;
  BindRequest request;
  request.shapes = {{"x", {4, 2}}};
  request.requests.assign(2, GradRequest::null);
  request.shared_names = {"w"};
  request.shared = bound.executor.get();
  const auto wide = Executor::simple_bind(doubled(), request);
  filled({4, 2}, 1).copy_to(wide->bindings().arguments[0]);
  EXPECT_EQ(bound.run(), 12);
  wide->forward(false);
  EXPECT_THAT(values_of(wide->outputs()[0]), Each(12));
  filled({1, 2}, 5).copy_to(bound.weight);
  wide->forward(false);
  EXPECT_THAT(values_of(wide->outputs()[0]), Each(20));
  EXPECT_EQ(bound.run(), 20);
}

TEST(HoistedValues, OfAFailedParameterAreNotUsed) {
  const Bound bound;
  bound.run();
  engine::Tag* tags[] = {&bound.weight.tag()};
  engine::push([] { fail(ErrorKind::Input, "failed write"); }, {.writes = tags});
  bound.executor->forward(false);
  EXPECT_THROW(values_of(bound.executor->outputs()[0]), Error);
  filled({1, 2}, 1).copy_to(bound.weight);
  EXPECT_EQ(bound.run(), 4);
  try {
    engine::wait_all();
  } catch (const Error&) {
  }
}

TEST(HoistedValues, AreNotKeptByTrainingNorWithoutFusion) {
  const Bound bound;
  bound.executor->forward(true);
  EXPECT_EQ(values_of(bound.executor->outputs()[0])[0], 12);
  settings::set("fusion", "false");
  const Bound plain;
  settings::set("fusion", "true");
  EXPECT_EQ(plain.run(), 12);
  EXPECT_THAT(plain.executor->debug_string(), Not(HasSubstr("kept between runs")));
}

TEST(HoistedValues, MonitorsSeeTheWholeGraph) {
  const Bound bound;
  EXPECT_EQ(bound.run(), 12);
  bound.executor->set_monitored(true);
  EXPECT_EQ(bound.run(), 12);
  const auto seen = bound.executor->monitored();
  ASSERT_EQ(seen.size(), 2u);
  EXPECT_THAT(values_of(seen[0].second), Each(6));
  bound.executor->set_monitored(false);
  EXPECT_EQ(bound.run(), 12);
}

TEST(HoistedValues, CachedOpsFollowTheArraysTheyAreGiven) {
  CachedOp op(doubled(), {});
  const NDArray data = filled({1, 2}, 1);
  const auto run = [&](const NDArray& weight) {
    const NDArray inputs[] = {data, weight};
    return values_of(op(inputs)[0])[0];
  };
  const NDArray first = filled({1, 2}, 3), second = filled({1, 2}, 4);
  EXPECT_EQ(run(first), 12);
  EXPECT_EQ(run(second), 16);
  EXPECT_EQ(run(first), 12);
  const NDArray both = make_array({2, 2}, {1, 1, 2, 2});  // views of one storage
  EXPECT_EQ(run(both.slice(0, 1)), 4);
  EXPECT_EQ(run(both.slice(1, 2)), 8);
  for (int i = 0; i < 50; ++i) EXPECT_EQ(run(filled({1, 2}, i)), 4 * i);  // memory is used again
}

}  // namespace
}  // namespace gemel::runtime
