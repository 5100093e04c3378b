// Operators that only the tests of runtime use: one that fails on demand, slow ones, and one that
// counts its preparations.
#include <atomic>
#include <chrono>
#include <thread>

#include "runtime/test_operators.h"
#include "runtime/testing.h"

namespace gemel::runtime::testing {
namespace {

std::atomic<int> prepared_count{0};

struct CountedState : Prepared {
  int number = prepared_count++;
};

struct LevelParameters : Parameters {
  int level;
  static void declare(Fields<LevelParameters>& f) {
    f.field("level", &LevelParameters::level).fallback("0");
  }
};

void copy(const OpCall& call) {
  std::memcpy(call.out[0].address, call.in[0].address, call.in[0].bytes());
}

void copy_unless_negative(const OpCall& call) {
  const float* values = call.in[0].data<float>();
  for (int64_t i = 0; i < call.in[0].shape.size(); ++i)
    GEMEL_CHECK(!(values[i] < 0), "[{}] expected no negative number, got {}", call.op.name(),
                values[i]);
  copy(call);
}

void declare_failing(const std::string& name, bool small, bool random) {
  auto builder = op(name);
  builder.inputs({"data"}).shape(same_shape);
  builder.gradient([name](const GradientContext& context) {
    return std::vector<Entry>{context.make(name, {context.dy()})};
  });
  Implementation implementation;
  implementation.name = "reference";
  implementation.kernel = copy_unless_negative;
  implementation.small = small;
  builder.implement(std::move(implementation));
  if (random) builder.random();
}

GEMEL_OPERATORS(runtime_test) {
  declare_failing("_test_runtime_fail", true, false);
  declare_failing("_test_runtime_fail_later", false, false);
  declare_failing("_test_runtime_fail_random", true, true);
  {
    auto builder = op("_test_runtime_slow");
    builder.inputs({"data"}).shape(same_shape);
    builder.gradient([](const GradientContext& context) {
      return std::vector<Entry>{context.make("_test_runtime_slow", {context.dy()})};
    });
    Implementation implementation;
    implementation.name = "reference";
    implementation.kernel = [](const OpCall& call) {
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
      copy(call);
    };
    implementation.small = false;
    builder.implement(std::move(implementation));
  }
  auto builder = op<LevelParameters>("_test_runtime_prepared");
  builder.inputs({"data"}).shape(same_shape);
  Implementation implementation;
  implementation.name = "reference";
  implementation.kernel = [](const OpCall& call) {
    float* out = call.out[0].data<float>();
    const float number = static_cast<float>(static_cast<CountedState*>(call.prepared)->number);
    for (int64_t i = 0; i < call.out[0].shape.size(); ++i) out[i] = number;
  };
  implementation.prepare = [](const OpCall&) { return std::make_unique<CountedState>(); };
  implementation.workspace = [](const OpCall&) { return int64_t{64}; };
  builder.implement(std::move(implementation));
}

}  // namespace

int preparations() { return prepared_count; }

TEST(RuntimeTestOperators, CopyTheirInput) {
  const NDArray x = make_array({3}, {0, 1, 2});
  for (const char* name : {"_test_runtime_fail", "_test_runtime_fail_later",
                           "_test_runtime_fail_random", "_test_runtime_slow"})
    EXPECT_EQ(values_of(call(name, {x})), values_of(x)) << name;
}

}  // namespace gemel::runtime::testing
