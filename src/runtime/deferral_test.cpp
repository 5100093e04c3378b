#include "runtime/deferral.h"

#include <thread>

#include "base/settings.h"
#include "runtime/testing.h"

namespace gemel::runtime {
namespace {

using testing::call;
using testing::call_into;
using testing::filled;
using testing::values_of;

const Shape large{300, 300};

double corner(const NDArray& array) { return values_of(array).back(); }

TEST(Deferral, ResultsHaveNoMemoryUntilTheyAreNeeded) {
  const NDArray a = filled(large, 2), b = filled(large, 3);
  const NDArray sum = call("elemwise_add", {a, b});
  const NDArray product = call("elemwise_mul", {sum, b});
  EXPECT_FALSE(sum.storage()->provided());
  EXPECT_GT(a.storage()->held(), 0u);
  EXPECT_EQ(corner(product), 15);
  EXPECT_TRUE(sum.storage()->provided());  // somebody can still see it
  EXPECT_EQ(a.storage()->held(), 0u);
  EXPECT_EQ(corner(sum), 5);
}

TEST(Deferral, OffMeansAtOnce) {
  settings::set(&Settings::defer, false);
  const NDArray sum = call("elemwise_add", {filled(large, 2), filled(large, 3)});
  settings::set(&Settings::defer, true);
  EXPECT_TRUE(sum.storage()->provided());
}

TEST(Deferral, TheNaiveEngineHoldsNothingBack) {
  const engine::Configuration before = engine::configuration();
  engine::Configuration naive = before;
  naive.kind = "naive";
  engine::configure(naive);
  const NDArray sum = call("elemwise_add", {filled(large, 2), filled(large, 3)});
  engine::configure(before);
  EXPECT_TRUE(sum.storage()->provided());
}

TEST(Deferral, WritesKeepTheirPlace) {
  const NDArray a = filled(large, 1), one = filled(large, 1);
  const NDArray before = call("elemwise_add", {a, one});
  call_into("elemwise_add", {a, one}, a);
  const NDArray after = call("elemwise_add", {a, one});
  const NDArray part = a.slice(0, 10);  // another view of what is held back
  EXPECT_EQ(corner(call("elemwise_add", {part, part})), 4);
  EXPECT_EQ(corner(before), 2);
  EXPECT_EQ(corner(after), 3);
}

TEST(Deferral, AFailureReachesOnlyWhatDependsOnIt) {
  const NDArray good = filled(large, 1), bad = filled(large, 1);
  engine::Tag* writes[] = {&bad.tag()};
  engine::push([] { fail(ErrorKind::Input, "spoilt"); }, {.writes = writes, .name = "spoil"});
  const NDArray first = call("elemwise_add", {good, good});
  const NDArray second = call("elemwise_add", {first, bad});
  const NDArray third = call("elemwise_mul", {first, first});
  EXPECT_EQ(corner(third), 4);
  EXPECT_THROW(second.wait_to_read(), Error);
  EXPECT_EQ(corner(first), 2);
  EXPECT_NO_THROW(engine::wait_all());  // the failure was reported
}

TEST(Deferral, ThreadsThatShareArrays) {
  const NDArray shared = filled(large, 1);
  NDArray results[4];
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      NDArray value = call("elemwise_add", {shared, shared});
      for (int i = 0; i < 20; ++i) {
        value = call("elemwise_add", {value, shared});
        if (i % 7 == t) call_into("elemwise_mul", {value, shared}, value);
        if (i % 5 == 0) shared.wait_to_read();
      }
      results[t] = value;  // still held back when the thread ends
    });
  for (std::thread& thread : threads) thread.join();
  for (const NDArray& result : results) EXPECT_EQ(corner(result), 22);
}

TEST(Deferral, AWriterOnAnotherThreadWaitsForReadersThatWereCalledBefore) {
  for (int round = 0; round < 20; ++round) {
    const NDArray a = filled(large, 1), one = filled(large, 1);
    const NDArray before = call("elemwise_add", {a, one});
    std::thread([&] { call_into("elemwise_add", {a, one}, a); }).join();
    const NDArray after = call("elemwise_add", {a, one});
    EXPECT_EQ(corner(after), 3);
    EXPECT_EQ(corner(before), 2);
  }
}

TEST(Deferral, ManyCallsAreMoreThanOneGroup) {
  NDArray value = filled(large, 0);
  const NDArray one = filled(large, 1);
  for (int i = 0; i < 100; ++i) value = call("elemwise_add", {value, one});
  EXPECT_EQ(corner(value), 100);
}

}  // namespace
}  // namespace gemel::runtime
