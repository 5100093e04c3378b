#include "op/gradient.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "graph/symbol.h"
#include "passes/test_operators.h"

namespace gemel {
namespace {

using testing::apply;
using ::testing::HasSubstr;
using testing::variable;

struct CountParameters : Parameters {
  int num_args;
  static void declare(Fields<CountParameters>& f) {
    f.field("num_args", &CountParameters::num_args);
  }
};

// The operators that the pass itself uses, where the build has none.
void need_operators() {
  for (const char* name : {"ones_like", "zeros_like"})
    if (!find_op(name)) op(name).inputs({"data"}).shape(same_shape).no_gradient();
  if (!find_op("elemwise_add")) op("elemwise_add").inputs({"lhs", "rhs"}).shape(same_shape);
  if (!find_op("add_n"))
    op<CountParameters>("add_n").variadic("num_args", &CountParameters::num_args).shape(same_shape);
}

// The expression that an entry stands for: "mul(x,exp(y))".
std::string text(const Entry& entry) {
  const Node& node = *entry.node;
  if (node.is_variable()) return node.name;
  std::string name = node.op->name();
  if (name.starts_with("_test_pass_")) name = name.substr(11);
  std::string result = name + (entry.index ? std::to_string(entry.index) : "") + "(";
  for (size_t i = 0; i < node.inputs.size(); ++i) result += (i ? "," : "") + text(node.inputs[i]);
  return result + ")";
}

class GradientTest : public ::testing::Test {
 protected:
  void SetUp() override { need_operators(); }
  const Entry x = variable("x"), y = variable("y"), g = variable("g");

  static std::string message(const std::vector<Entry>& heads, const std::vector<Entry>& variables) {
    try {
      gradient(heads, {}, variables);
    } catch (const Error& error) {
      return error.what();
    }
    return "no error";
  }
};

TEST_F(GradientTest, ChainRule) {
  const Entry e = apply("exp", {apply("exp", {x})});
  EXPECT_EQ(text(gradient({e}, {g}, {x})[0]), "mul(mul(g,exp(exp(x))),exp(x))");
  EXPECT_EQ(text(gradient({x}, {g}, {x})[0]), "g");
}

TEST_F(GradientTest, EmptyHeadGradientMeansOnes) {
  const Entry e = apply("exp", {x});
  EXPECT_EQ(text(gradient({e}, {}, {x})[0]), "mul(ones_like(exp(x)),exp(x))");
  EXPECT_EQ(text(gradient({e}, {Entry{}}, {x})[0]), "mul(ones_like(exp(x)),exp(x))");
}

TEST_F(GradientTest, SumsOverUses) {
  EXPECT_EQ(text(gradient({apply("mul", {x, x})}, {g}, {x})[0]), "elemwise_add(mul(g,x),mul(g,x))");
  const Entry three = gradient({x, x, x}, {g, y, g}, {x})[0];
  EXPECT_EQ(text(three), "add_n(g,y,g)");
}

TEST_F(GradientTest, SeveralVariablesAndIntermediateValues) {
  const Entry e = apply("exp", {x}), m = apply("mul", {e, y});
  const auto result = gradient({m}, {g}, {x, y, e});
  EXPECT_EQ(text(result[0]), "mul(mul(g,y),exp(x))");
  EXPECT_EQ(text(result[1]), "mul(g,exp(x))");
  EXPECT_EQ(text(result[2]), "mul(g,y)");
  EXPECT_EQ(text(gradient({m}, {g}, {e})[0]), "mul(g,y)");
}

TEST_F(GradientTest, NothingFlowsToAVariable) {
  EXPECT_EQ(text(gradient({apply("exp", {x})}, {g}, {y})[0]), "zeros_like(y)");
  EXPECT_EQ(text(gradient({apply("exp", {apply("stop", {x})})}, {g}, {x})[0]), "zeros_like(x)");
}

TEST_F(GradientTest, LossesNeedNoHeadGradient) {
  const Entry loss = apply("loss", {apply("exp", {x})});
  EXPECT_EQ(text(gradient({loss}, {Entry{}}, {x})[0]), "mul(exp(exp(x)),exp(x))");
  EXPECT_EQ(text(gradient({loss}, {g}, {x})[0]), "mul(exp(exp(x)),exp(x))");
}

TEST_F(GradientTest, OutputsWithoutGradientGetZeros) {
  const Entry split = apply("split", {x});
  EXPECT_EQ(text(gradient({{split.node, 1, 0}}, {g}, {x})[0]), "mul(zeros_like(split(x)),g)");
}

TEST_F(GradientTest, OnlyPathsFromVariablesToHeadsAreVisited) {
  const Entry m = apply("mul", {apply("exp", {x}), apply("hard", {y})});
  EXPECT_EQ(text(gradient({m}, {g}, {x})[0]), "mul(mul(g,hard(y)),exp(x))");
  EXPECT_THAT(message({m}, {y}), HasSubstr("[_test_pass_hard] node hard"));
  EXPECT_EQ(text(gradient({apply("stop", {apply("hard", {x})})}, {g}, {x})[0]), "zeros_like(x)");
}

TEST_F(GradientTest, VersionsOfAStateAreOneValue) {
  const Entry later{x.node, 0, 3};
  EXPECT_EQ(text(gradient({apply("mul", {x, later})}, {g}, {x})[0]),
            "elemwise_add(mul(g,x),mul(g,x))");
}

TEST_F(GradientTest, TwiceGivesTheSecondDerivative) {
  const Entry first = gradient({apply("exp", {x})}, {g}, {x})[0];
  EXPECT_EQ(text(gradient({first}, {g}, {x})[0]), "mul(mul(g,g),exp(x))");
}

TEST_F(GradientTest, DoesNotChangeTheForwardGraph) {
  const Entry e = apply("mul", {apply("exp", {x}), y});
  const std::string before = to_json(Symbol({e}));
  gradient({e}, {g}, {x, y});
  EXPECT_EQ(to_json(Symbol({e})), before);
}

TEST_F(GradientTest, LongChains) {
  Entry chain = x;
  for (int i = 0; i < 20000; ++i) chain = apply("exp", {chain});
  EXPECT_EQ(topological_order({gradient({chain}, {g}, {x})[0]}).size(), 40002u);
}

}  // namespace
}  // namespace gemel
