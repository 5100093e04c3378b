#include "passes/fuse_convolution.h"

#include <gtest/gtest.h>

#include "graph/symbol.h"
#include "op/registry.h"
#include "ops/nn/convolution/prepared.h"
#include "passes/infer_shape.h"
#include "passes/infer_type.h"

namespace gemel {
namespace {

Symbol call(const char* op, const char* name, const std::vector<Symbol>& inputs,
            const Attributes& attributes = {}) {
  return Symbol::create(require_op(op), name, attributes, inputs, {});
}
const Symbol x = Symbol::variable("x"), y = Symbol::variable("y");

// 3 x 3 from 16 channels to 16, images as large as before: Winograd's, with or without a library.
Symbol convolution(const char* name, const Symbol& data) {
  return call("Convolution", name, {data},
              {{"kernel", "(3, 3)"}, {"pad", "(1, 1)"}, {"num_filter", "16"}});
}

std::vector<Entry> fused(const Symbol& symbol, DType dtype = DType::float32) {
  const Shape image = {1, 16, 24, 24};
  std::vector<std::pair<std::string, Shape>> known;
  for (const std::string& name : symbol.list_inputs())
    if (name == "x" || name == "y") known.emplace_back(name, image);
  const IndexedGraph graph(symbol.outputs);
  const auto shapes = infer_shapes(graph, known);
  const std::vector<DType> dtypes(static_cast<size_t>(graph.entry_count()), dtype);
  return fuse_convolution(graph, symbol.outputs, shapes, dtypes,
                          passes::parameters_of(symbol.outputs), {});
}
std::string op_of(const Entry& entry) { return entry.node->op->name(); }
const PreparedConvolutionParameters& parameters_of(const Entry& entry) {
  return static_cast<const PreparedConvolutionParameters&>(*entry.node->parameters);
}

TEST(FuseConvolution, PreparesTheWeight) {
  const Entry head = fused(convolution("c", x))[0];
  ASSERT_EQ(op_of(head), "_prepared_convolution");
  EXPECT_EQ(head.node->inputs.size(), 3u);
  EXPECT_EQ(op_of(head.node->inputs[1]), "_prepare_convolution_weight");
  EXPECT_EQ(head.node->inputs[1].node->inputs[0].node->name, "c_weight");
}

TEST(FuseConvolution, TakesSumAndRelu) {
  for (const bool first : {false, true}) {
    const Symbol layer = convolution("c", x);
    const Symbol sum =
        first ? call("elemwise_add", "s", {layer, y}) : call("broadcast_add", "s", {y, layer});
    const Entry head = fused(call("Activation", "r", {sum}, {{"act_type", "relu"}}))[0];
    ASSERT_EQ(op_of(head), "_prepared_convolution");
    EXPECT_EQ(head.node->name, "c+s+r");
    EXPECT_TRUE(parameters_of(head).relu && parameters_of(head).residual);
    EXPECT_EQ(head.node->inputs.back().node->name, "y");
  }
}

TEST(FuseConvolution, TakesNothingAfterRelu) {
  const Symbol active = call("relu", "r", {convolution("c", x)});
  EXPECT_EQ(op_of(fused(call("elemwise_add", "s", {active, y}))[0]), "elemwise_add");
  EXPECT_EQ(op_of(fused(call("relu", "again", {active}))[0]), "relu");
}

TEST(FuseConvolution, OneOfTwoConvolutionsTakesTheirSum) {
  const Entry head =
      fused(call("elemwise_add", "s", {convolution("a", x), convolution("b", y)}))[0];
  ASSERT_EQ(op_of(head), "_prepared_convolution");
  EXPECT_EQ(op_of(head.node->inputs.back()), "_prepared_convolution");
  EXPECT_EQ(op_of(fused(call("elemwise_add", "s", {convolution("a", x), y}))[0]),
            "_prepared_convolution");
}

TEST(FuseConvolution, OtherActivationsAndShapesStay) {
  const Symbol layer = convolution("c", x);
  EXPECT_EQ(op_of(fused(call("Activation", "t", {layer}, {{"act_type", "tanh"}}))[0]),
            "Activation");
  EXPECT_EQ(
      op_of(fused(call("broadcast_add", "s",
                       {layer, call("sum", "t", {y}, {{"axis", "1"}, {"keepdims", "1"}})}))[0]),
      "broadcast_add");
}

TEST(FuseConvolution, AResultThatOthersReadStays) {
  const Symbol layer = convolution("c", x);
  const std::vector<Entry> heads = fused(Symbol::group({call("relu", "r", {layer}), layer}));
  EXPECT_EQ(op_of(heads[0]), "relu");
  EXPECT_EQ(op_of(heads[1]), "_prepared_convolution");
}

TEST(FuseConvolution, OtherTypesAndWeightsThatAreFedStay) {
  EXPECT_EQ(op_of(fused(convolution("c", x), DType::float64)[0]), "Convolution");
  const Attributes four = {{"axis", "1"}, {"begin", "0"}, {"end", "4"}};
  const Symbol part =
      call("Reshape", "w", {call("slice_axis", "part", {y}, four)}, {{"shape", "(16, 16, 3, 3)"}});
  const Symbol weight = call("elemwise_mul", "square", {part, part});
  const Symbol layer = call("Convolution", "c", {x, weight},
                            {{"kernel", "(3, 3)"}, {"num_filter", "16"}, {"no_bias", "1"}});
  EXPECT_EQ(op_of(fused(layer)[0]), "Convolution");
}

}  // namespace
}  // namespace gemel
