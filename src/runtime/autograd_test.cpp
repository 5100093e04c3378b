#include "runtime/autograd.h"

#include "runtime/testing.h"

namespace gemel::runtime {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using namespace runtime::testing;

TEST(Autograd, ChainRule) {
  NDArray x = make_variable_array(make_array({3}, {1, 2, 3}));
  NDArray y;
  {
    Recording scope;
    y = call("_plus_scalar", {call("square", {call("_mul_scalar", {x}, {{"scalar", "3"}})})},
             {{"scalar", "1"}});
  }
  EXPECT_THAT(values_of(y), ElementsAre(10, 37, 82));
  backward(y);
  EXPECT_THAT(gradient_values(x), ElementsAre(18, 36, 54));
}

TEST(Autograd, VariablesUsedTwiceSumUp) {
  NDArray x = make_variable_array(make_array({2}, {3, 4}));
  NDArray y;
  {
    Recording scope;
    const NDArray square = call("elemwise_mul", {x, x});
    y = call("elemwise_add", {call("elemwise_mul", {square, x}), call("elemwise_add", {x, x})});
  }
  backward(y);
  EXPECT_THAT(gradient_values(x), ElementsAre(29, 50));
}

TEST(Autograd, RequestsDecideWhatHappensToTheGradient) {
  NDArray w = make_variable_array(filled({2}, 2), GradRequest::write);
  NDArray a = make_variable_array(filled({2}, 3), GradRequest::add);
  NDArray n = make_variable_array(filled({2}, 5), GradRequest::null);
  for (int i = 1; i <= 3; ++i) {
    NDArray y;
    {
      Recording scope;
      y = call("elemwise_mul", {call("elemwise_mul", {w, a}), n});
    }
    backward(y);
    EXPECT_THAT(gradient_values(w), Each(15));
    EXPECT_THAT(gradient_values(a), Each(10 * i));
    EXPECT_THAT(gradient_values(n), Each(0));
  }
}

TEST(Autograd, OneGradientForTwoVariables) {
  // The sum hands the same head gradient to both: each variable still gets memory of its own.
  NDArray a = make_variable_array(filled({2}, 1)), b = make_variable_array(filled({2}, 1));
  NDArray y;
  {
    Recording scope;
    y = call("square", {call("elemwise_add", {a, b})});
  }
  backward(y);
  EXPECT_THAT(gradient_values(a), Each(4));
  EXPECT_THAT(gradient_values(b), Each(4));
  EXPECT_NE(gradient_of(a).storage(), gradient_of(b).storage());
}

TEST(Autograd, HeadGradientsScale) {
  NDArray x = make_variable_array(make_array({2}, {3, 4}));
  NDArray y;
  {
    Recording scope;
    y = call("square", {x});
  }
  backward(y, make_array({2}, {10, 100}));
  EXPECT_THAT(gradient_values(x), ElementsAre(60, 800));
  EXPECT_THAT(message_of([&] { backward(y, filled({3}, 1)); }), HasSubstr("[backward]"));
}

TEST(Autograd, SeveralHeadsAddUp) {
  NDArray x = make_variable_array(make_array({2}, {3, 4}));
  NDArray heads[2];
  {
    Recording scope;
    const NDArray shared = call("_mul_scalar", {x}, {{"scalar", "2"}});
    heads[0] = call("square", {shared});
    heads[1] = call("negative", {shared});
  }
  const NDArray gradients[2] = {NDArray(), filled({2}, 5)};
  runtime::backward(heads, gradients, false, true);
  EXPECT_THAT(gradient_values(x), ElementsAre(8 * 3 - 10, 8 * 4 - 10));
}

TEST(Autograd, GraphsAreFreedUnlessRetained) {
  NDArray x = make_variable_array(filled({2}, 3));
  NDArray y;
  {
    Recording scope;
    y = call("square", {x});
  }
  backward(y, {}, true);
  backward(y, filled({2}, 2), true);
  EXPECT_THAT(gradient_values(x), Each(12));
  backward(y);
  EXPECT_THAT(gradient_values(x), Each(6));
  EXPECT_THAT(message_of([&] { backward(y); }), HasSubstr("retain_graph"));
  EXPECT_THAT(values_of(y), Each(9));
}

TEST(Autograd, OnlyRecordsInsideTheScopeAndFromVariables) {
  NDArray x = make_variable_array(filled({2}, 3));
  const NDArray outside = call("square", {x});
  EXPECT_THAT(message_of([&] { backward(outside); }), HasSubstr("not recorded"));
  {
    Recording scope;
    EXPECT_FALSE(is_tracked(call("square", {filled({2}, 3)})));
    EXPECT_TRUE(is_tracked(call("square", {x})));
    NDArray dropped = call("square", {x});
    drop_history(dropped);
    EXPECT_FALSE(is_tracked(call("square", {dropped})));
  }
  EXPECT_FALSE(is_recording());
}

TEST(Autograd, BlockGradStopsTheGradient) {
  NDArray x = make_variable_array(filled({2}, 3));
  NDArray y;
  {
    Recording scope;
    y = call("elemwise_mul", {call("BlockGrad", {x}), x});
  }
  backward(y);
  EXPECT_THAT(gradient_values(x), Each(3));
}

TEST(Autograd, RecordedArraysAreNotWrittenInPlace) {
  NDArray x = make_variable_array(filled({2}, 3));
  Recording scope;
  NDArray y = call("square", {x});
  EXPECT_THAT(message_of([&] { call_into("square", {x}, y); }), HasSubstr("in place"));
}

TEST(Autograd, GradientsAreReturned) {
  NDArray x = make_variable_array(make_array({2}, {1, 2})), z = make_variable_array(filled({2}, 4));
  NDArray y;
  {
    Recording scope;
    y = call("elemwise_mul", {call("square", {x}), z});
  }
  const NDArray heads[1] = {y}, variables[2] = {z, x};
  const auto result = gradients(heads, {}, variables, false, false, true);
  EXPECT_THAT(values_of(result[0]), ElementsAre(1, 4));
  EXPECT_THAT(values_of(result[1]), ElementsAre(8, 16));
  EXPECT_THAT(gradient_values(x), Each(0));
}

TEST(Autograd, RecordedFunctionsRunTheirOwnBackward) {
  NDArray x = make_variable_array(make_array({2}, {1, 2})), unused = filled({2}, 1);
  std::vector<bool> asked;
  NDArray y;
  {
    Recording scope;
    const NDArray doubled = call("_mul_scalar", {x}, {{"scalar", "2"}});
    const NDArray in[2] = {doubled, unused};
    NDArray out[1];
    {
      Recording pause(false);
      out[0] = call("square", {doubled});
    }
    record_function("square_by_hand", in, out,
                    [doubled, &asked](std::span<const NDArray> heads, std::span<NDArray> results,
                                      const std::vector<bool>& wanted, bool last) {
                      EXPECT_TRUE(last);
                      asked = wanted;
                      const NDArray slope = call("_mul_scalar", {doubled}, {{"scalar", "2"}});
                      results[0] = call("elemwise_mul", {heads[0], slope});
                    });
    y = call("_mul_scalar", {out[0]}, {{"scalar", "10"}});
  }
  backward(y);
  EXPECT_THAT(gradient_values(x), ElementsAre(80, 160));
  EXPECT_EQ(asked, (std::vector<bool>{true, false}));
}

TEST(Autograd, RecordedFunctionsWithSeveralOutputs) {
  NDArray x = make_variable_array(filled({2}, 1));
  NDArray out[2] = {filled({2}, 1), filled({2}, 2)};
  std::vector<bool> flows;
  {
    Recording scope;
    const NDArray in[1] = {x};
    record_function("pair", in, out,
                    [&](std::span<const NDArray> heads, std::span<NDArray> results,
                        const std::vector<bool>&, bool) {
                      for (const NDArray& head : heads) flows.push_back(static_cast<bool>(head));
                      ASSERT_TRUE(results[0]);  // the variable's own gradient array
                      call_into("_mul_scalar", {heads[1]}, results[0], {{"scalar", "3"}});
                    });
  }
  backward(out[1]);
  EXPECT_EQ(flows, (std::vector<bool>{false, true}));
  EXPECT_THAT(gradient_values(x), Each(3));
}

NDArray long_chain(const NDArray& x, int length) {
  Recording scope;
  NDArray y = x;
  for (int i = 0; i < length; ++i) y = call("_mul_scalar", {y}, {{"scalar", "1"}});
  return y;
}

TEST(Autograd, LongChainsNeedNoStackToGo) {
  NDArray x = make_variable_array(filled({1}, 1));
  NDArray y = long_chain(x, 100000);
  y = NDArray();
  EXPECT_THAT(values_of(x), Each(1));
}

TEST(Autograd, LongChainsNeedNoStackForBackward) {
  NDArray x = make_variable_array(filled({1}, 1));
  const NDArray y = long_chain(x, 20000);
  backward(y, filled({1}, 7));
  EXPECT_THAT(gradient_values(x), Each(7));
}

}  // namespace
}  // namespace gemel::runtime
