// Gradients against finite differences, in double precision; second derivatives too.
#include "runtime/autograd.h"

#include "runtime/testing.h"

namespace gemel::runtime {
namespace {

using namespace runtime::testing;

using Function = std::function<NDArray(const std::vector<NDArray>&)>;

struct Case {
  const char* name;
  std::vector<Shape> shapes;
  Function function;
};

double sum_of(const NDArray& array) {
  double sum = 0;
  for (double v : values_of(array)) sum += v;
  return sum;
}

std::vector<double> numeric_gradient(const std::function<double(const NDArray&)>& f,
                                     const NDArray& at) {
  constexpr double step = 1e-5;
  std::vector<double> values = values_of(at), result;
  for (size_t i = 0; i < values.size(); ++i) {
    const double middle = values[i];
    values[i] = middle + step;
    const double above = f(make_array(at.shape(), values, DType::float64));
    values[i] = middle - step;
    const double below = f(make_array(at.shape(), values, DType::float64));
    values[i] = middle;
    result.push_back((above - below) / (2 * step));
  }
  return result;
}

void expect_close(const std::vector<double>& got, const std::vector<double>& expected,
                  const char* what) {
  ASSERT_EQ(got.size(), expected.size()) << what;
  for (size_t i = 0; i < got.size(); ++i)
    EXPECT_NEAR(got[i], expected[i], 1e-5) << what << ", element " << i;
}

std::vector<Case> cases() {
  const Shape m{3, 4}, n{4, 2};
  return {
      {"tanh of a product",
       {m, m},
       [](auto& v) {
         return call("tanh", {call("elemwise_mul", {v[0], v[1]})});
       }},
      {"quotient",
       {m, m},
       [](auto& v) {
         return call("elemwise_div", {call("sigmoid", {v[0]}), call("exp", {v[1]})});
       }},
      {"matrix product",
       {m, n},
       [](auto& v) {
         return call("square", {call("dot", {v[0], v[1]})});
       }},
      {"broadcast",
       {m, Shape{3, 1}},
       [](auto& v) {
         return call("square", {call("broadcast_mul", {v[0], v[1]})});
       }},
      {"softmax", {m}, [](auto& v) { return call("square", {call("softmax", {v[0]})}); }},
      {"reductions",
       {m},
       [](auto& v) {
         return call("elemwise_mul", {call("sum", {call("sin", {v[0]})}, {{"axis", "1"}}),
                                      call("mean", {call("square", {v[0]})}, {{"axis", "1"}})});
       }},
      {"dense layer",
       {m, Shape{5, 4}, Shape{5}},
       [](auto& v) {
         return call("tanh", {call("FullyConnected", {v[0], v[1], v[2]}, {{"num_hidden", "5"}})});
       }},
      {"shapes",
       {m},
       [](auto& v) {
         const NDArray turned = call("transpose", {call("Reshape", {v[0]}, {{"shape", "(6, 2)"}})});
         return call("exp", {call("Concat", {turned, call("square", {turned})},
                                  {{"num_args", "2"}, {"dim", "1"}})});
       }},
      {"parts",
       {m},
       [](auto& v) {
         const auto parts = invoke("SliceChannel", std::vector{v[0]}, {{"num_outputs", "2"}});
         return call("elemwise_mul", {parts[0], call("sin", {parts[1]})});
       }},
      {"one part only",
       {m},
       [](auto& v) {
         return call("square",
                     {invoke("SliceChannel", std::vector{v[0]}, {{"num_outputs", "4"}})[2]});
       }},
  };
}

TEST(AutogradNumeric, GradientsAreFiniteDifferences) {
  std::mt19937 generator(5);
  for (const Case& test : cases()) {
    std::vector<NDArray> inputs;
    for (const Shape& shape : test.shapes)
      inputs.push_back(make_variable_array(random_array(shape, generator, -1, 1, DType::float64)));
    NDArray y;
    {
      Recording scope;
      y = test.function(inputs);
    }
    backward(y);
    for (size_t i = 0; i < inputs.size(); ++i) {
      const auto f = [&](const NDArray& value) {
        std::vector<NDArray> changed = inputs;
        changed[i] = value;
        return sum_of(test.function(changed));
      };
      expect_close(gradient_values(inputs[i]), numeric_gradient(f, inputs[i]), test.name);
    }
  }
}

std::vector<Case> pointwise_chains() {
  const Shape m{2, 3};
  return {
      {"cube",
       {m},
       [](auto& v) {
         return call("elemwise_mul", {call("square", {v[0]}), v[0]});
       }},
      {"tanh of sin", {m}, [](auto& v) { return call("tanh", {call("sin", {v[0]})}); }},
      {"sigmoid of square", {m}, [](auto& v) { return call("sigmoid", {call("square", {v[0]})}); }},
      {"exp and log",
       {m},
       [](auto& v) {
         return call("log", {call("_plus_scalar", {call("exp", {v[0]})}, {{"scalar", "1"}})});
       }},
  };
}

TEST(AutogradNumeric, SecondDerivativesAreDifferencesOfGradients) {
  std::mt19937 generator(6);
  for (const Case& test : pointwise_chains()) {
    NDArray x = make_variable_array(random_array(test.shapes[0], generator, -1, 1, DType::float64));
    const auto first_gradient = [&](const NDArray& at, bool create_graph) {
      const NDArray heads[1] = {test.function({at})}, variables[1] = {at};
      return gradients(heads, {}, variables, true, create_graph, true)[0];
    };
    {
      Recording scope;
      const NDArray slope = call("square", {first_gradient(x, true)});
      backward(slope);
    }
    const auto f = [&](const NDArray& value) {
      NDArray at = make_variable_array(value);
      Recording scope;
      return sum_of(call("square", {first_gradient(at, false)}));
    };
    expect_close(gradient_values(x), numeric_gradient(f, x), test.name);
  }
}

TEST(AutogradNumeric, ThirdDerivative) {
  NDArray x = make_variable_array(make_array({2}, {2, -3}));
  NDArray third;
  {
    Recording scope;
    NDArray y = call("square", {call("square", {x})});
    const NDArray variables[1] = {x};
    for (int order = 0; order < 3; ++order) {
      const NDArray heads[1] = {y};
      y = gradients(heads, {}, variables, true, true, true)[0];
    }
    third = y;
  }
  EXPECT_THAT(values_of(third), ::testing::ElementsAre(48, -72));
}

}  // namespace
}  // namespace gemel::runtime
