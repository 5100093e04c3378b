#include "passes/reduce_precision.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "op/registry.h"
#include "passes/infer_type.h"

namespace gemel {
namespace {

using ::testing::ElementsAre;

Symbol layer(const Symbol& data, const std::string& name) {
  return Symbol::create(require_op("FullyConnected"), name, {{"num_hidden", "3"}}, {data}, {});
}

std::vector<std::string> operators(const Symbol& symbol) {
  std::vector<std::string> names;
  for (const Node* node : topological_order(symbol.outputs))
    if (!node->is_variable()) names.push_back(node->op->name() + " " + node->name);
  return names;
}

const Symbol x = Symbol::variable("x");

TEST(ReducePrecision, CastsOnceWhatSeveralOperatorsWant) {
  const Symbol symbol = Symbol::group({layer(x, "a"), layer(x, "b")});
  const Symbol reduced = reduce_precision(symbol, {.target_ops = {"FullyConnected"}});
  EXPECT_THAT(operators(reduced),
              ElementsAre("amp_cast x_amp_cast_float16", "amp_cast a_weight_amp_cast_float16",
                          "amp_cast a_bias_amp_cast_float16", "FullyConnected a",
                          "amp_cast a_output_amp_cast_float32",
                          "amp_cast b_weight_amp_cast_float16", "amp_cast b_bias_amp_cast_float16",
                          "FullyConnected b", "amp_cast b_output_amp_cast_float32"));
  EXPECT_THAT(operators(symbol), ElementsAre("FullyConnected a", "FullyConnected b"));
}

TEST(ReducePrecision, TypesOfTheResultAgree) {
  const Symbol exp = Symbol::create(require_op("exp"), "e", {}, {layer(x, "a")}, {});
  const Symbol sum =
      Symbol::create(require_op("elemwise_add"), "s", {}, {exp, layer(exp, "b")}, {});
  for (const DType target : {DType::float16, DType::bfloat16}) {
    const Symbol reduced = reduce_precision(sum, {.target = target,
                                                  .target_ops = {"FullyConnected"},
                                                  .float32_ops = {"exp"},
                                                  .widest_ops = {"elemwise_add"},
                                                  .parameters = {"a_weight", "a_bias"},
                                                  .cast_parameters = true});
    const IndexedGraph graph(reduced.outputs);
    const auto types =
        infer_types(graph, std::vector<std::pair<std::string, DType>>{{"x", DType::float32}});
    EXPECT_EQ(types[static_cast<size_t>(graph.heads()[0])], DType::float32);
    for (int n = 0; n < graph.node_count(); ++n) {
      const std::string& name = graph.node(n)->name;
      const DType type = types[static_cast<size_t>(graph.first_entry(n))];
      if (name == "a" || name == "b" || name == "a_weight")
        EXPECT_EQ(type, target) << name;
      else if (name == "e" || name == "s")
        EXPECT_EQ(type, DType::float32) << name;
    }
  }
}

TEST(ReducePrecision, RulesOfOneCall) {
  const PrecisionRules rules({.target_ops = {"FullyConnected", "no such operator"},
                              .float32_where = {{"Activation", {"act_type", "softrelu"}}},
                              .excluded = {"kept"}});
  const auto of = [&](const Symbol& symbol) { return rules.of(*symbol.outputs[0].node); };
  const auto activation = [](const char* type) {
    return Symbol::create(require_op("Activation"), "t", {{"act_type", type}}, {x}, {});
  };
  EXPECT_EQ(of(layer(x, "a")), Precision::target);
  EXPECT_EQ(of(layer(x, "kept")), Precision::float32);
  EXPECT_EQ(of(activation("softrelu")), Precision::float32);
  EXPECT_EQ(of(activation("relu")), Precision::as_given);
  const PrecisionRules wrong({.float32_where = {{"Activation", {"kind", "relu"}}}});
  EXPECT_THROW(wrong.of(*activation("relu").outputs[0].node), Error);
}

}  // namespace
}  // namespace gemel
