#include "graph/indexed.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "graph/test_operators.h"

namespace gemel {
namespace {

using testing::call;
using ::testing::ElementsAre;

TEST(IndexedGraph, NumbersNodesAndEntries) {
  const Symbol x = Symbol::variable("x");
  const Symbol split = call("SliceChannel", "s", {x}, {{"num_outputs", "3"}});
  const Symbol product = call("elemwise_mul", "m", {split.at(2), x});
  const IndexedGraph graph(Symbol::group({product, split.at(1)}).outputs);
  EXPECT_EQ(graph.node_count(), 3);
  EXPECT_EQ(graph.entry_count(), 5);
  EXPECT_EQ(graph.node(1)->name, "s");
  EXPECT_EQ(graph.first_entry(2), 4);
  EXPECT_EQ(graph.output_count(1), 3);
  EXPECT_THAT(graph.inputs(2), ElementsAre(3, 0));
  EXPECT_THAT(graph.heads(), ElementsAre(4, 2));
  EXPECT_THAT(graph.variables(), ElementsAre(0));
  EXPECT_EQ(graph.entry_id(split.outputs[2]), 3);
  EXPECT_EQ(graph.producer(3), 1);
  EXPECT_EQ(graph.output_index(3), 2);
  EXPECT_EQ(graph.node_of_entry(4)->name, "m");
  EXPECT_TRUE(graph.contains(split.outputs[0].node.get()));
  EXPECT_FALSE(graph.contains(nullptr));
}

TEST(IndexedGraph, Empty) {
  EXPECT_EQ(IndexedGraph().node_count(), 0);
  EXPECT_EQ(IndexedGraph(std::vector<Entry>{}).entry_count(), 0);
}

}  // namespace
}  // namespace gemel
