#include "passes/constant_fold.h"

#include <gtest/gtest.h>

#include "graph/symbol.h"
#include "op/registry.h"
#include "ops/creation/constant.h"
#include "passes/infer_shape.h"
#include "passes/infer_type.h"

namespace gemel {
namespace {

Symbol call(const char* op, const std::vector<Symbol>& inputs, const Attributes& attributes = {}) {
  static int count = 0;
  return Symbol::create(require_op(op), fmt::format("n{}", count++), attributes, inputs, {});
}

struct Folded {
  std::vector<Entry> heads;
  int nodes = 0, constants = 0, calls = 0;
};

Folded fold(const Symbol& symbol, const Shape& shape = {2, 3}) {
  const IndexedGraph graph(symbol.outputs);
  std::vector<std::pair<std::string, Shape>> known;
  for (const std::string& name : symbol.list_inputs()) known.emplace_back(name, shape);
  const auto shapes = infer_shapes(graph, known);
  auto dtypes = infer_types(graph, std::vector<std::pair<std::string, DType>>{});
  for (DType& dtype : dtypes)
    if (dtype == DType::none) dtype = DType::float32;
  Folded result;
  result.heads = fold_constants(graph, symbol.outputs, shapes, dtypes, false,
                                [&](const Node&, const OpCall& call) {
                                  ++result.calls;
                                  call.op.choose(call).kernel(call);
                                });
  for (const Node* node : topological_order(result.heads)) {
    ++result.nodes;
    result.constants += node->op && node->op->name() == "_constant";
  }
  return result;
}

Symbol ones(const char* shape) { return call("_ones", {}, {{"shape", shape}}); }

TEST(ConstantFold, AnExpressionBecomesOneNode) {
  const Symbol x = Symbol::variable("x");
  const Symbol range = call("_arange", {}, {{"start", "0"}, {"stop", "3"}});
  const Symbol scaled =
      call("_mul_scalar", {call("_plus_scalar", {range}, {{"scalar", "1"}})}, {{"scalar", "2"}});
  const Symbol net = call("broadcast_add", {x, scaled});
  const Folded folded = fold(net);
  EXPECT_EQ(topological_order(net.outputs).size(), 5u);
  EXPECT_EQ(folded.nodes, 3);
  EXPECT_EQ(folded.constants, 1);
  const Node& constant = *folded.heads[0].node->inputs[1].node;
  const NDArray& value = static_cast<const ConstantArrayParameters&>(*constant.parameters).value;
  EXPECT_EQ(value.shape(), Shape{3});
  for (int i = 0; i < 3; ++i) EXPECT_EQ(value.data<float>()[i], 2.f * static_cast<float>(i + 1));
}

TEST(ConstantFold, ShapesOfInputsAreConstants) {
  const Symbol x = Symbol::variable("x");
  const Symbol size = call("_mul_scalar", {call("size_array", {x})}, {{"scalar", "2"}});
  EXPECT_EQ(fold(size).nodes, 1);
}

TEST(ConstantFold, SingleConstantsStay) {
  const Symbol net = call("elemwise_add", {Symbol::variable("x"), ones("(2, 3)")});
  const Folded folded = fold(net);
  EXPECT_EQ(folded.heads, net.outputs);
  EXPECT_EQ(folded.calls, 0);
}

TEST(ConstantFold, VariablesAndDrawsAreNotConstant) {
  const Symbol x = Symbol::variable("x");
  const Symbol noise = call("_random_uniform", {}, {{"shape", "(2, 3)"}});
  const Symbol net =
      call("elemwise_add", {call("_plus_scalar", {x}, {{"scalar", "1"}}), call("exp", {noise})});
  EXPECT_EQ(fold(net).heads, net.outputs);
}

TEST(ConstantFold, LargeValuesAreLeftToTheRun) {
  const Symbol total = call("sum", {ones("(1000000,)")});
  EXPECT_EQ(fold(total).heads, total.outputs);
  EXPECT_EQ(fold(call("sum", {ones("(1000,)")})).nodes, 1);
}

TEST(ConstantFold, AGraphHoldsALimitedAmount) {
  std::vector<Symbol> parts;
  for (int i = 0; i < 200; ++i)  // 100 of them fill 4 MiB with 40 KiB each
    parts.push_back(call("_plus_scalar", {ones("(10000,)")}, {{"scalar", std::to_string(i)}}));
  parts.push_back(Symbol::variable("x"));
  const Folded folded =
      fold(call("add_n", parts, {{"num_args", std::to_string(parts.size())}}), {10000});
  EXPECT_GT(folded.constants, 90);
  EXPECT_LT(folded.constants, 110);
}

TEST(ConstantFold, EveryOutputHasItsConstant) {
  const Symbol parts =
      call("SliceChannel", {call("exp", {ones("(2, 4)")})}, {{"num_outputs", "2"}, {"axis", "1"}});
  const Symbol net = call("elemwise_sub", {parts.at(0), parts.at(1)});
  EXPECT_EQ(fold(net).nodes, 1);
  const Symbol kept = call(
      "elemwise_add", {call("elemwise_sub", {parts.at(0), Symbol::variable("x")}), parts.at(1)});
  const Folded folded = fold(kept, {2, 2});
  EXPECT_EQ(folded.constants, 2);
  EXPECT_EQ(folded.nodes, 5);
}

}  // namespace
}  // namespace gemel
