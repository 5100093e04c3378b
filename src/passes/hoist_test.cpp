#include "passes/hoist.h"

#include <gtest/gtest.h>

#include "graph/symbol.h"
#include "op/registry.h"
#include "passes/infer_shape.h"
#include "passes/infer_type.h"

namespace gemel {
namespace {

Symbol call(const char* op, const std::vector<Symbol>& inputs, const Attributes& attributes = {}) {
  static int count = 0;
  return Symbol::create(require_op(op), fmt::format("h{}", count++), attributes, inputs, {});
}
const Symbol x = Symbol::variable("x"), w = Symbol::variable("w"), b = Symbol::variable("b");

Symbol dense(const Symbol& data, const Symbol& weight) {
  return call("FullyConnected", {data, weight}, {{"num_hidden", "4"}, {"no_bias", "True"}});
}

std::vector<std::string> parameter_names(const Symbol& symbol) {
  std::vector<std::string> names;
  const passes::ParameterSet set = passes::parameters_of(symbol.outputs);
  for (const NodeRef& node : symbol.input_nodes())
    if (set.contains(node.get())) names.push_back(node->name);
  return names;
}
using Names = std::vector<std::string>;

HoistedGraph hoisted(const Symbol& symbol,
                     const std::vector<std::pair<std::string, Shape>>& known) {
  const IndexedGraph graph(symbol.outputs);
  const auto shapes = infer_shapes(graph, known);
  auto dtypes = infer_types(graph, std::vector<std::pair<std::string, DType>>{});
  for (DType& dtype : dtypes)
    if (dtype == DType::none) dtype = DType::float32;
  return hoist(graph, symbol.outputs, shapes, dtypes, passes::parameters_of(symbol.outputs));
}

TEST(Parameters, AreWhatIsReadAsWeightBiasOrStatistics) {
  EXPECT_EQ(parameter_names(call("FullyConnected", {x, w, b}, {{"num_hidden", "4"}})),
            (Names{"w", "b"}));
  EXPECT_EQ(parameter_names(call("elemwise_add", {x, w})), Names{});
  EXPECT_EQ(parameter_names(call("Embedding", {x, w}, {{"input_dim", "5"}, {"output_dim", "3"}})),
            Names{"w"});
}

TEST(Parameters, MayBeCastOrTurnedOnTheWay) {
  const Symbol cast = call("Cast", {w}, {{"dtype", "float32"}});
  EXPECT_EQ(parameter_names(dense(x, call("transpose", {cast}))), Names{"w"});
}

TEST(Parameters, AreNoneWhereTheyAreReadAsDataToo) {
  EXPECT_EQ(parameter_names(call("elemwise_add", {dense(x, w), w})), Names{});
  EXPECT_EQ(parameter_names(Symbol::group({dense(x, call("exp", {w})), call("exp", {w})})),
            Names{});
}

TEST(Hoist, ValuesOfParametersAloneAreTakenOut) {
  const HoistedGraph result =
      hoisted(dense(x, call("exp", {call("square", {w})})), {{"x", {2, 3}}});
  ASSERT_EQ(result.values.size(), 1u);
  EXPECT_EQ(result.values[0].node->op->name(), "exp");
  EXPECT_EQ(topological_order(result.heads).size(), 3u);  // x, the place, FullyConnected
  EXPECT_EQ(result.heads[0].node->inputs[1].node, result.places[0]);
}

TEST(Hoist, AValueReadTwiceIsHoistedOnce) {
  const Symbol changed = call("exp", {w});
  const HoistedGraph result = hoisted(
      call("elemwise_add", {dense(x, changed), dense(call("exp", {x}), changed)}), {{"x", {2, 3}}});
  EXPECT_EQ(result.values.size(), 1u);
}

TEST(Hoist, NothingIsWhereParametersAreReadAsTheyAre) {
  const Symbol net = dense(x, call("Reshape", {w}, {{"shape", "(4, 3)"}}));
  const HoistedGraph result = hoisted(net, {{"x", {2, 3}}, {"w", {12}}});
  EXPECT_TRUE(result.values.empty());
  EXPECT_EQ(result.heads, net.outputs);
}

TEST(Hoist, DrawsAreNotHoisted) {
  const Symbol noise = call("_random_uniform", {}, {{"shape", "(4, 3)"}});
  const HoistedGraph result =
      hoisted(dense(x, call("elemwise_add", {call("exp", {w}), noise})), {{"x", {2, 3}}});
  ASSERT_EQ(result.values.size(), 0u);  // `w` is read by a sum: not as a parameter
}

TEST(Hoist, ConstantsWhoseShapeTheirReadersTellStay) {
  const Symbol state = call("_zeros", {}, {{"shape", "(0, 3)"}});
  const HoistedGraph result =
      hoisted(call("elemwise_add", {dense(x, w), dense(state, w)}), {{"x", {2, 3}}});
  EXPECT_TRUE(result.values.empty());
}

TEST(Hoist, WhatIsSpreadOverAnotherShapeStays) {
  const Symbol spread = call("broadcast_to", {w}, {{"shape", "(100000, 3)"}});
  const HoistedGraph result =
      hoisted(call("FullyConnected", {x, spread}, {{"num_hidden", "100000"}, {"no_bias", "True"}}),
              {{"x", {2, 3}}, {"w", {1, 3}}});
  EXPECT_TRUE(result.values.empty());
}

}  // namespace
}  // namespace gemel
