// The runtime from many threads: arrays, tapes, executors and cached ops.
#include <thread>

#include "runtime/cached_op.h"
#include "runtime/executor.h"
#include "runtime/random.h"
#include "runtime/testing.h"

namespace gemel::runtime {
namespace {

using ::testing::Each;
using namespace runtime::testing;

template <typename Function>
void on_threads(int count, Function function) {
  std::vector<std::thread> threads;
  for (int t = 0; t < count; ++t) threads.emplace_back([&function, t] { function(t); });
  for (std::thread& thread : threads) thread.join();
}

TEST(RuntimeThreads, InvokeOnOwnArrays) {
  on_threads(8, [](int t) {
    for (int64_t size : {4, 70000}) {
      const NDArray x = filled({size}, t), y = filled({size}, 1);
      for (int i = 0; i < 50; ++i) call_into("elemwise_add", {x, y}, x);
      const NDArray z = call("square", {x});
      EXPECT_EQ(values_of(x)[size - 1], t + 50);
      EXPECT_EQ(values_of(z)[0], (t + 50) * (t + 50));
    }
  });
}

TEST(RuntimeThreads, InvokeOnSharedArrays) {
  const NDArray input = filled({64}, 2), sum = filled({64}, 0);
  on_threads(8, [&](int) {
    for (int i = 0; i < 25; ++i) {
      call_into("elemwise_add", {sum, input}, sum);
      EXPECT_THAT(values_of(call("square", {input})), Each(4));
    }
  });
  EXPECT_THAT(values_of(sum), Each(400));
}

TEST(RuntimeThreads, EachThreadHasItsTape) {
  on_threads(8, [](int t) {
    EXPECT_FALSE(is_recording());
    NDArray x = make_variable_array(filled({8}, t));
    for (int i = 0; i < 20; ++i) {
      NDArray y;
      {
        Recording scope;
        y = call("square",
                 {call("FullyConnected", {x, filled({1, 8}, 1)},
                       {{"num_hidden", "1"}, {"no_bias", "True"}, {"flatten", "False"}})});
      }
      backward(y);
      EXPECT_THAT(gradient_values(x), Each(16 * t));
    }
  });
}

TEST(RuntimeThreads, RandomNumbersAreDrawnOnce) {
  seed(1);
  std::vector<std::vector<double>> drawn(8);
  on_threads(8, [&](int t) {
    for (int i = 0; i < 10; ++i) {
      const auto values =
          values_of(call("_random_uniform", {}, {{"shape", "(16,)"}, {"dtype", "float64"}}));
      drawn[t].insert(drawn[t].end(), values.begin(), values.end());
    }
  });
  std::vector<double> all;
  for (const auto& values : drawn) all.insert(all.end(), values.begin(), values.end());
  std::sort(all.begin(), all.end());
  EXPECT_EQ(std::adjacent_find(all.begin(), all.end()), all.end());
}

Symbol make_network() {
  Symbol net = Symbol::variable("data");
  for (int i = 0; i < 3; ++i)
    net = node("tanh", "t" + std::to_string(i),
               {node("FullyConnected", "fc" + std::to_string(i), {net}, {{"num_hidden", "8"}})});
  return net;
}

void fill_arguments(const Executor& executor) {
  std::mt19937 generator(1);
  for (const NDArray& argument : executor.bindings().arguments)
    random_array(argument.shape(), generator).copy_to(argument);
}

TEST(RuntimeThreads, ExecutorsOnSeveralThreads) {
  const Symbol network = make_network();
  const auto run = [&](int times) {
    auto executor =
        Executor::simple_bind(network, {}, {{"data", {4, 8}}}, {}, {}, GradRequest::write);
    fill_arguments(*executor);
    for (int i = 0; i < times; ++i) {
      executor->forward(false);
      executor->forward(true);
      executor->backward();
      executor->forward_backward();
    }
    return values_of(executor->bindings().gradients[1]);
  };
  const auto expected = run(1);
  on_threads(6, [&](int) { EXPECT_EQ(run(20), expected); });
}

TEST(RuntimeThreads, OneCachedOpOnSeveralThreads) {
  CachedOp op(make_network());
  on_threads(6, [&](int t) {
    std::vector<NDArray> inputs;
    std::mt19937 generator(t);
    const Shape shapes[] = {{2 + t % 2, 8}, {8, 8}, {8}, {8, 8}, {8}, {8, 8}, {8}};
    for (const Shape& shape : shapes)
      inputs.push_back(make_variable_array(random_array(shape, generator)));
    std::vector<double> expected, expected_gradient;
    for (int i = 0; i < 20; ++i) {
      NDArray y;
      {
        Recording scope;
        y = op(inputs)[0];
      }
      backward(y);
      if (i == 0) expected = values_of(y), expected_gradient = gradient_values(inputs[1]);
      EXPECT_EQ(values_of(y), expected);
      EXPECT_EQ(gradient_values(inputs[1]), expected_gradient);
    }
  });
}

TEST(RuntimeThreads, ArraysMoveBetweenThreads) {
  NDArray x = filled({1000}, 1);
  for (int i = 0; i < 10; ++i) {
    std::thread([&x] { x = call("_plus_scalar", {x}, {{"scalar", "1"}}); }).join();
    x = call("_mul_scalar", {x}, {{"scalar", "1"}});
  }
  EXPECT_EQ(values_of(x)[999], 11);
}

}  // namespace
}  // namespace gemel::runtime
