#include "record/key.h"

#include <gtest/gtest.h>

#include "base/settings.h"
#include "graph/symbol.h"
#include "op/registry.h"

namespace gemel::record {
namespace {

Symbol network(const std::string& prefix, const std::string& kernel = "(3, 3)") {
  const Symbol data = Symbol::variable(prefix + "data");
  const Symbol layer =
      Symbol::create(require_op("Convolution"), prefix + "conv",
                     {{"kernel", kernel}, {"num_filter", "4"}, {"no_bias", "True"}},
                     {data, Symbol::variable(prefix + "weight")}, {});
  return Symbol::create(require_op("relu"), prefix + "relu", {}, {layer}, {});
}

std::string key(const Symbol& symbol, int64_t batch = 1, bool gradient = false,
                DType dtype = DType::float32, bool training = false) {
  return graph_key(
      symbol.outputs,
      [&](const Node&) {
        return BoundInput{{batch, 3, 8, 8}, dtype, gradient};
      },
      training);
}

TEST(RecordKey, IsOfStructureAndShapesNotOfNames) {
  const std::string first = key(network("a_"));
  EXPECT_EQ(first.size(), 32);
  EXPECT_EQ(first, key(network("b_")));
  EXPECT_NE(first, key(network("a_", "(1, 1)")));
  EXPECT_NE(first, key(network("a_"), 2));
  EXPECT_NE(first, key(network("a_"), 1, true));
  EXPECT_NE(first, key(network("a_"), 1, false, DType::float16));
  EXPECT_NE(first, key(network("a_"), 1, false, DType::float32, true));
  const Symbol twice = Symbol::create(require_op("relu"), "r", {}, {network("a_")}, {});
  EXPECT_NE(first, key(twice));
}

TEST(RecordKey, SettingsInForceArePartOfIt) {
  const std::string before = settings::get("fpmath");
  const std::string first = key(network("a_"));
  settings::set(&Settings::fpmath, "exact");
  const std::string exact = key(network("a_"));
  settings::set("fpmath", before);
  EXPECT_NE(first, exact);
  EXPECT_EQ(exact, graph_key(network("a_").outputs,
                             [](const Node&) {
                               return BoundInput{{1, 3, 8, 8}, DType::float32, false};
                             },
                             false, {{"fpmath", "exact"}}));
}

TEST(RecordKey, ASignatureTellsOperatorParametersAndInputs) {
  const OpInfo& op = require_op("sum");
  const ParametersRef parameters = op.parse({{"axis", "1"}});
  const std::vector<Tensor> tensors = {{nullptr, {2, 3}, DType::float64, {}},
                                       {nullptr, {2}, DType::float64, {}}};
  const std::span<const Tensor> all = tensors;
  const std::string text = call_signature({op, *parameters, all.first(1), all.subspan(1)});
  EXPECT_TRUE(text.starts_with("sum(axis=")) << text;
  EXPECT_TRUE(text.ends_with(") float64(2,3)")) << text;
}

}  // namespace
}  // namespace gemel::record
