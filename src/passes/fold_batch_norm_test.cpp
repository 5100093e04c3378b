#include "passes/fold_batch_norm.h"

#include <gtest/gtest.h>

#include <map>

#include "graph/symbol.h"
#include "op/registry.h"
#include "passes/infer_shape.h"
#include "passes/infer_type.h"

namespace gemel {
namespace {

Symbol call(const char* op, const char* name, const std::vector<Symbol>& inputs,
            const Attributes& attributes = {}) {
  return Symbol::create(require_op(op), name, attributes, inputs, {});
}
const Symbol x = Symbol::variable("x");

Symbol convolution(const Symbol& data, const Attributes& more = {}) {
  Attributes attributes = {{"kernel", "(3, 3)"}, {"num_filter", "4"}};
  attributes.insert(more.begin(), more.end());
  return call("Convolution", "c", {data}, attributes);
}

// How often each operator stands in the folded graph.
std::map<std::string, int> folded(const Symbol& symbol, const Shape& shape = {2, 3, 8, 8}) {
  const IndexedGraph graph(symbol.outputs);
  const auto shapes = infer_shapes(graph, {{"x", shape}});
  auto dtypes = infer_types(graph, std::vector<std::pair<std::string, DType>>{});
  for (DType& dtype : dtypes)
    if (dtype == DType::none) dtype = DType::float32;
  std::map<std::string, int> operators;
  const std::vector<Entry> heads =
      fold_batch_norm(graph, symbol.outputs, shapes, dtypes, passes::parameters_of(symbol.outputs));
  for (const Node* node : topological_order(heads))
    if (!node->is_variable()) ++operators[node->op->name()];
  return operators;
}

TEST(FoldBatchNorm, GoesIntoTheConvolutionBeforeIt) {
  auto operators = folded(call("BatchNorm", "n", {convolution(x)}));
  EXPECT_EQ(operators["BatchNorm"], 0);
  EXPECT_EQ(operators["Convolution"], 1);
  EXPECT_EQ(operators["broadcast_mul"], 1);  // of the weight
  EXPECT_EQ(operators["broadcast_add"], 0);
}

TEST(FoldBatchNorm, TakesOneAfterTheOther) {
  const Symbol once = call("BatchNorm", "n", {convolution(x, {{"no_bias", "True"}})});
  auto operators = folded(call("BatchNorm", "m", {once}));
  EXPECT_EQ(operators["BatchNorm"], 0);
  EXPECT_EQ(operators["broadcast_mul"], 2);
  EXPECT_EQ(operators["broadcast_add"], 0);
}

TEST(FoldBatchNorm, ElsewhereItIsPointwise) {
  auto operators = folded(call("BatchNorm", "n", {x}));
  EXPECT_EQ(operators["BatchNorm"], 0);
  EXPECT_EQ(operators["broadcast_add"], 1);
}

TEST(FoldBatchNorm, AConvolutionThatOthersReadStaysAsItIs) {
  const Symbol layer = convolution(x);
  auto operators = folded(Symbol::group({call("BatchNorm", "n", {layer}), layer}));
  EXPECT_EQ(operators["Convolution"], 1);
  EXPECT_EQ(operators["broadcast_add"], 1);
}

TEST(FoldBatchNorm, AnotherAxisThanTheChannelsIsPointwise) {
  auto operators = folded(call("BatchNorm", "n", {convolution(x)}, {{"axis", "3"}}));
  EXPECT_EQ(operators["broadcast_add"], 1);
}

TEST(FoldBatchNorm, StatisticsThatAreReadKeepIt) {
  const Symbol norm = call("BatchNorm", "n", {convolution(x)}, {{"output_mean_var", "True"}});
  EXPECT_EQ(folded(norm)["BatchNorm"], 1);
}

TEST(FoldBatchNorm, WeightsThatAreFedStay) {
  // `x` is read as data, so it is no parameter.
  const Symbol layer = call("FullyConnected", "f", {x, x}, {{"num_hidden", "3"}});
  auto operators = folded(call("BatchNorm", "n", {layer}), {3, 3});
  EXPECT_EQ(operators["FullyConnected"], 1);
  EXPECT_EQ(operators["broadcast_add"], 1);
}

}  // namespace
}  // namespace gemel
