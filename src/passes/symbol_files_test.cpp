// The files of 1.9.1 with the operators that are really registered.
#include <gtest/gtest.h>

#include "graph/symbol.h"
#include "graph/test_operators.h"
#include "op/registry.h"
#include "passes/infer_shape.h"

namespace gemel {
namespace {

TEST(SymbolFiles, RegisteredOperatorsReadAndWriteThem) {
  for (const char* file : {"mlp.json", "lenet.json", "group.json", "attrs.json", "many.json",
                           "quote.json", "batch_norm_shared.json", "single.json"}) {
    const std::string text = testing::read_fixture(file);
    EXPECT_EQ(to_json(from_json(text, lookup_operator)), text) << file;
  }
}

TEST(SymbolFiles, ShapesOfLeNet) {
  const Symbol lenet = from_json(testing::read_fixture("lenet.json"), lookup_operator);
  const IndexedGraph graph(lenet.outputs);
  const std::vector<Shape> shapes = infer_shapes(graph, {{"data", Shape{32, 1, 28, 28}}});
  EXPECT_EQ(shapes[static_cast<size_t>(graph.heads()[0])], (Shape{32, 10}));
  const std::vector<std::string> names = lenet.list_inputs();
  const std::vector<NodeRef> nodes = lenet.input_nodes();
  for (size_t i = 0; i < names.size(); ++i) {
    const Shape& shape = shapes[static_cast<size_t>(graph.entry_id({nodes[i], 0, 0}))];
    EXPECT_TRUE(shape.known()) << names[i];
    if (names[i] == "conv1_weight") EXPECT_EQ(shape, (Shape{20, 1, 5, 5}));
    if (names[i] == "fc_weight") EXPECT_EQ(shape, (Shape{10, 2880}));
    if (names[i] == "bn1_moving_var") EXPECT_EQ(shape, (Shape{20}));
    if (names[i] == "softmax_label") EXPECT_EQ(shape, (Shape{32}));
  }
}

}  // namespace
}  // namespace gemel
