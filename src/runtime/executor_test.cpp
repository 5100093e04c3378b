#include "runtime/executor.h"

#include "base/settings.h"
#include "runtime/random.h"
#include "runtime/testing.h"

namespace gemel::runtime {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using namespace runtime::testing;

struct Bound {
  std::shared_ptr<Executor> executor;
  NDArray argument(int i) const { return executor->bindings().arguments[i]; }
  NDArray gradient(int i) const { return executor->bindings().gradients[i]; }
  NDArray output(int i = 0) const { return executor->outputs()[i]; }
  void fill(int i, const std::vector<double>& values) const {
    make_array(argument(i).shape(), values, argument(i).dtype()).copy_to(argument(i));
  }
};

Bound bind(const Symbol& symbol, const std::vector<std::pair<std::string, Shape>>& shapes,
           GradRequest request = GradRequest::write,
           const std::vector<std::pair<std::string, GradRequest>>& requests = {}) {
  return {Executor::simple_bind(symbol, {}, shapes, {}, requests, request)};
}

const Symbol x = Symbol::variable("x"), w = Symbol::variable("w");

TEST(Executor, ForwardAndBackward) {
  const Bound bound = bind(node("tanh", "t", {node("elemwise_mul", "m", {x, w})}), {{"x", {2}}});
  bound.fill(0, {1, 2});
  bound.fill(1, {0.5, 0});
  bound.executor->forward(true);
  EXPECT_NEAR(values_of(bound.output())[0], std::tanh(0.5), 1e-6);
  bound.executor->backward();
  EXPECT_NEAR(values_of(bound.gradient(1))[1], 2, 1e-6);
  bound.executor->backward({filled({2}, 10)});
  EXPECT_NEAR(values_of(bound.gradient(1))[1], 20, 1e-5);
  bound.executor->backward();  // ones again
  EXPECT_NEAR(values_of(bound.gradient(1))[1], 2, 1e-6);
}

TEST(Executor, ArgumentsMayChangeBetweenRuns) {
  const Bound bound = bind(node("square", "s", {x}), {{"x", {2}}});
  for (int i = 0; i < 5; ++i) {
    bound.fill(0, {1.0 * i, 2.0 * i});
    bound.executor->forward_backward();
    EXPECT_THAT(values_of(bound.output()), ElementsAre(i * i, 4 * i * i));
    EXPECT_THAT(values_of(bound.gradient(0)), ElementsAre(2 * i, 4 * i));
  }
}

TEST(Executor, RequestsDecideWhatHappensToTheGradient) {
  const Bound bound =
      bind(node("elemwise_mul", "m", {node("elemwise_mul", "n", {x, w}), Symbol::variable("v")}),
           {{"x", {2}}}, GradRequest::write, {{"w", GradRequest::add}, {"v", GradRequest::null}});
  bound.fill(0, {3, 3});
  bound.fill(1, {5, 5});
  bound.fill(2, {2, 2});
  EXPECT_FALSE(bound.gradient(2));
  for (int i = 1; i <= 3; ++i) {
    bound.executor->forward(true);
    bound.executor->backward();
    EXPECT_THAT(values_of(bound.gradient(0)), Each(10));
    EXPECT_THAT(values_of(bound.gradient(1)), Each(6 * i));
  }
  bound.executor->forward_backward();
  EXPECT_THAT(values_of(bound.gradient(1)), Each(24));
}

TEST(Executor, OutputsMayBeVariablesDuplicatesAndReshapes) {
  const Symbol square = node("square", "s", {x});
  const Symbol group =
      Symbol::group({x, square, square, node("Reshape", "r", {x}, {{"shape", "(4,)"}}),
                     node("Flatten", "f", {square}), x});
  const Bound bound = bind(group, {{"x", {2, 2}}});
  bound.fill(0, {1, 2, 3, 4});
  bound.executor->forward(true);
  ASSERT_EQ(bound.executor->outputs().size(), 6u);
  for (int i : {0, 3, 5}) EXPECT_THAT(values_of(bound.output(i)), ElementsAre(1, 2, 3, 4)) << i;
  for (int i : {1, 2, 4}) EXPECT_THAT(values_of(bound.output(i)), ElementsAre(1, 4, 9, 16)) << i;
  EXPECT_EQ(bound.output(3).shape(), Shape({4}));
  for (int i = 0; i < 6; ++i)
    for (int j = 0; j < i; ++j)
      EXPECT_NE(bound.output(i).storage(), bound.output(j).storage()) << i << j;
  // Outputs do not follow a later change of the argument.
  const NDArray kept = bound.output(3);
  bound.fill(0, {0, 0, 0, 0});
  EXPECT_THAT(values_of(kept), ElementsAre(1, 2, 3, 4));
  bound.fill(0, {1, 2, 3, 4});
  bound.executor->forward(true);
  std::vector<NDArray> heads;
  for (int i = 0; i < 6; ++i) heads.push_back(filled(bound.output(i).shape(), i + 1));
  bound.executor->backward(heads);
  // 1 + 4 + 6 from the copies, (2 + 3 + 5) * 2x from the squares.
  EXPECT_THAT(values_of(bound.gradient(0)), ElementsAre(31, 51, 71, 91));
}

TEST(Executor, GradientsOfSumsHaveMemoryOfTheirOwn) {
  const Bound bound = bind(node("elemwise_add", "a", {x, w}), {{"x", {2}}});
  bound.executor->forward(true);
  const NDArray head = make_array({2}, {3, 4});
  bound.executor->backward({head});
  EXPECT_THAT(values_of(bound.gradient(0)), ElementsAre(3, 4));
  EXPECT_THAT(values_of(bound.gradient(1)), ElementsAre(3, 4));
  EXPECT_NE(bound.gradient(0).storage(), bound.gradient(1).storage());
}

TEST(Executor, VariablesWithoutInfluenceGetZeros) {
  const Bound bound = bind(Symbol::group({node("square", "s", {x}), node("BlockGrad", "b", {w})}),
                           {{"x", {2}}, {"w", {2}}});
  filled({2}, 9).copy_to(bound.gradient(1));
  bound.executor->forward_backward();
  EXPECT_THAT(values_of(bound.gradient(1)), Each(0));
}

TEST(Executor, AuxiliaryStatesMoveInTheBackwardPass) {
  const Symbol norm = node("BatchNorm", "bn", {x}, {{"fix_gamma", "False"}, {"momentum", "0.5"}});
  const Bound bound = bind(norm, {{"x", {4, 2}}});
  const auto& states = bound.executor->bindings().auxiliary_states;
  ASSERT_EQ(states.size(), 2u);
  bound.fill(0, {0, 10, 2, 10, 4, 10, 6, 10});
  bound.executor->forward(false);
  EXPECT_THAT(values_of(states[0]), ElementsAre(0, 0));
  bound.executor->forward(true);
  EXPECT_THAT(values_of(states[0]), ElementsAre(0, 0));
  bound.executor->backward();
  EXPECT_THAT(values_of(states[0]), ElementsAre(1.5, 5));
  bound.executor->forward_backward();
  EXPECT_THAT(values_of(states[0]), ElementsAre(2.25, 7.5));
}

TEST(Executor, LossesNeedNoHeadGradient) {
  const Symbol loss = node("SoftmaxOutput", "softmax", {x, Symbol::variable("label")});
  const Bound bound =
      bind(loss, {{"x", {2, 2}}}, GradRequest::write, {{"label", GradRequest::null}});
  bound.fill(1, {0, 1});
  bound.executor->forward_backward();
  EXPECT_THAT(values_of(bound.output()), Each(0.5));
  EXPECT_THAT(values_of(bound.gradient(0)), ElementsAre(-0.5, 0.5, 0.5, -0.5));
}

TEST(Executor, RandomOperatorsFollowTheSeed) {
  const Symbol noise = node("_random_normal", "n", {}, {{"shape", "(3, 5)"}});
  const Symbol mask = node("Dropout", "d", {node("elemwise_add", "a", {x, noise})}, {{"p", "0.5"}});
  const Bound bound = bind(mask, {{"x", {3, 5}}});
  const auto run = [&](uint64_t value) {
    seed(value);
    bound.executor->forward_backward();
    auto values = values_of(bound.output());
    const auto gradient = values_of(bound.gradient(0));
    for (size_t i = 0; i < values.size(); ++i) EXPECT_EQ(values[i] == 0, gradient[i] == 0) << i;
    values.insert(values.end(), gradient.begin(), gradient.end());
    return values;
  };
  const auto first = run(5);
  EXPECT_EQ(run(5), first);
  EXPECT_NE(run(6), first);
  seed(5);
  bound.executor->forward(true);
  bound.executor->backward();
  EXPECT_EQ(values_of(bound.output()), std::vector<double>(first.begin(), first.begin() + 15));
}

TEST(Executor, TypesFollowTheArguments) {
  const Symbol sum =
      node("elemwise_add", "a", {x, node("_mul_scalar", "m", {w}, {{"scalar", "2"}})});
  Bound bound{Executor::simple_bind(sum, {}, {{"x", {2}}}, {{"x", DType::float64}}, {},
                                    GradRequest::write)};
  EXPECT_EQ(bound.output().dtype(), DType::float64);
  EXPECT_EQ(bound.gradient(1).dtype(), DType::float64);
  bound.fill(1, {1.0 / 3, 1});
  bound.executor->forward_backward();
  EXPECT_DOUBLE_EQ(values_of(bound.output())[0], 2.0 / 3);
}

TEST(Executor, BindsViewsOfOneArray) {
  // Arguments and gradients are pieces of two arrays, and `v` and `x` are the same piece.
  const NDArray arguments = make_array({6}, {1, 2, 3, 4, 5, 6}), gradients = filled({6}, -1);
  const Symbol v = Symbol::variable("v");
  Bindings bindings;
  bindings.arguments = {arguments.slice(2, 4), arguments.slice(4, 6), arguments.slice(2, 4)};
  bindings.gradients = {gradients.slice(0, 2), gradients.slice(2, 4), gradients.slice(4, 6)};
  bindings.requests = {GradRequest::write, GradRequest::add, GradRequest::write};
  Executor executor(node("elemwise_mul", "m", {node("elemwise_mul", "n", {x, w}), v}), bindings);
  for (int i = 0; i < 2; ++i) {
    executor.forward(true);
    executor.backward();
    EXPECT_THAT(values_of(executor.outputs()[0]), ElementsAre(45, 96));
    EXPECT_THAT(values_of(gradients),
                ElementsAre(15, 24, 9 * (i + 1) - 1, 16 * (i + 1) - 1, 15, 24));
  }
}

TEST(Executor, GivesTheSameOnTheSynchronousEngine) {
  const Symbol chain = node(
      "tanh", "t", {node("FullyConnected", "fc", {node("sin", "s", {x})}, {{"num_hidden", "5"}})});
  const auto run = [&] {
    const Bound bound = bind(chain, {{"x", {3, 4}}});
    std::mt19937 generator(1);
    for (int i = 0; i < 3; ++i)
      random_array(bound.argument(i).shape(), generator).copy_to(bound.argument(i));
    bound.executor->forward_backward();
    return std::pair(bytes_of(bound.output()), bytes_of(bound.gradient(1)));
  };
  const auto threaded = run();
  const engine::Configuration before = engine::configuration();
  engine::configure({.kind = "naive"});
  const auto naive = run();
  engine::configure(before);
  EXPECT_EQ(naive, threaded);
}

TEST(Executor, MistakesAreInputErrors) {
  const Symbol product = node("elemwise_mul", "m", {x, w});
  EXPECT_THAT(message_of([&] { bind(product, {}); }), HasSubstr("could not be inferred"));
  EXPECT_THAT(message_of([&] {
                bind(product, {{"x", {2}}, {"w", {3}}});
              }),
              HasSubstr("elemwise_mul"));
  Bindings bindings;
  bindings.arguments = {filled({2}, 1)};
  EXPECT_THAT(message_of([&] { Executor(product, bindings); }),
              HasSubstr("expected 2 arguments, got 1"));
  bindings.arguments.push_back(filled({3}, 1));
  EXPECT_THAT(message_of([&] { Executor(product, bindings); }), HasSubstr("elemwise_mul"));
  const Bound bound = bind(product, {{"x", {2}}});
  bound.executor->forward(true);
  EXPECT_THAT(message_of([&] { bound.executor->backward({filled({3}, 1)}); }),
              HasSubstr("expected shape (2,), got (3,)"));
  EXPECT_THAT(message_of([&] {
                bound.executor->backward({filled({2}, 1), filled({2}, 1)});
              }),
              HasSubstr("expected 1 head gradients, got 2"));
}

TEST(Executor, MemoryPlansAreOrdered) {
  Symbol chain = x;
  for (int i = 0; i < 10; ++i)
    chain = node("FullyConnected", "fc" + std::to_string(i),
                 {node("tanh", "t" + std::to_string(i), {chain})}, {{"num_hidden", "16"}});
  const Bound bound = bind(chain, {{"x", {8, 16}}});
  const auto plan = bound.executor->memory_plan();
  ASSERT_EQ(plan.size(), 4u);
  EXPECT_GT(plan[0].second, 0);
  for (size_t i = 1; i < plan.size(); ++i) EXPECT_LE(plan[i].second, plan[0].second);
  EXPECT_LE(plan[3].second, std::min(plan[1].second, plan[2].second));
  EXPECT_FALSE(bound.executor->memory_timeline(MemoryMode::both).empty());
  EXPECT_THAT(bound.executor->debug_string(), HasSubstr("FullyConnected fc9"));
}

}  // namespace
}  // namespace gemel::runtime
