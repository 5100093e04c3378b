// Errors of kernels: they reach the readers, pass on, and go away with the next complete write.
#include "runtime/random.h"
#include "runtime/test_operators.h"
#include "runtime/testing.h"

namespace gemel::runtime {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using namespace runtime::testing;

// The errors of these tests are reported where they are read; nothing may be left for others.
struct InvokeFailure : ::testing::TestWithParam<const char*> {
  void TearDown() override {
    try {
      engine::wait_all();
    } catch (const std::exception&) {
    }
  }
};

TEST_P(InvokeFailure, ReachesTheReader) {
  const NDArray bad = call(GetParam(), {filled({2}, -3)});
  EXPECT_EQ(message_of([&] { bad.wait_to_read(); }),
            fmt::format("[{}] expected no negative number, got -3", GetParam()));
  EXPECT_THAT(message_of([&] { values_of(bad); }), HasSubstr(GetParam()));
}

TEST_P(InvokeFailure, PassesThroughLaterCalls) {
  const NDArray bad = call(GetParam(), {filled({2}, -1)}), good = filled({2}, 1);
  const NDArray sum = call("elemwise_add", {call("square", {bad}), good});
  EXPECT_THAT(message_of([&] { values_of(sum); }), HasSubstr(fmt::format("[{}]", GetParam())));
  EXPECT_THAT(values_of(call("square", {good})), ElementsAre(1, 1));
}

TEST_P(InvokeFailure, GoesAwayWithTheNextWrite) {
  const NDArray target = filled({2}, 0);
  call_into(GetParam(), {filled({2}, -1)}, target);
  EXPECT_THAT(message_of([&] { values_of(target); }), HasSubstr("negative"));
  call_into(GetParam(), {filled({2}, 5)}, target);
  EXPECT_THAT(values_of(target), ElementsAre(5, 5));
}

TEST_P(InvokeFailure, SparesTheRandomGenerator) {
  const NDArray bad = call(GetParam(), {filled({2}, -1)});
  EXPECT_THAT(message_of([&] { values_of(bad); }), HasSubstr("negative"));
  for (double v : values_of(call("_random_uniform", {}, {{"shape", "(8,)"}}))) {
    EXPECT_GE(v, 0);
    EXPECT_LE(v, 1);
  }
}

INSTANTIATE_TEST_SUITE_P(All, InvokeFailure,
                         ::testing::Values("_test_runtime_fail", "_test_runtime_fail_later",
                                           "_test_runtime_fail_random"));

}  // namespace
}  // namespace gemel::runtime
