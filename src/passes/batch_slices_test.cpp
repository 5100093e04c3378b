#include "passes/batch_slices.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "op/registry.h"
#include "passes/infer_shape.h"
#include "passes/infer_type.h"

namespace gemel {
namespace {

class BatchSlices : public ::testing::Test {
 protected:
  Entry data{make_variable("data"), 0, 0};

  static Entry node(const char* op, const std::string& name, std::vector<Entry> inputs,
                    const Attributes& attributes = {}) {
    return {make_node(require_op(op), name, std::move(inputs), attributes), 0, 0};
  }
  static Entry convolution(const std::string& name, const Entry& in) {
    return node("Convolution", name, {in, Entry{make_variable(name + "_weight"), 0, 0}},
                {{"kernel", "(1, 1)"}, {"num_filter", "8"}, {"no_bias", "True"}});
  }
  static Entry pooled(const std::string& name, const Entry& in) {
    return node("Pooling", name, {in}, {{"kernel", "(4, 4)"}, {"stride", "(4, 4)"}});
  }

  // Names of the nodes that run for `heads`, in their order.
  std::vector<std::string> sliced(const std::vector<Entry>& heads, int64_t batch = 16) {
    const IndexedGraph graph(heads);
    const std::vector<Shape> shapes = infer_shapes(graph, {{"data", {batch, 8, 32, 32}}});
    std::vector<DType> dtypes(static_cast<size_t>(graph.entry_count()), DType::float32);
    BatchSliceOptions options;
    options.least_bytes = 1 << 16;
    options.least_slice = 1 << 10;
    result_ = slice_batch(graph, heads, shapes, dtypes, options);
    std::vector<std::string> names;
    for (const Node* one : topological_order(result_))
      if (!one->is_variable()) names.push_back(one->name);
    return names;
  }
  static size_t count(const std::vector<std::string>& names, const std::string& part) {
    return static_cast<size_t>(std::count_if(names.begin(), names.end(), [&](const auto& name) {
      return name.find(part) != std::string::npos;
    }));
  }

  std::vector<Entry> result_;
};

TEST_F(BatchSlices, CutTheChainAroundThePeakAndJoinItsResult) {
  const Entry last = node("FullyConnected", "dense",
                          {pooled("pool", node("relu", "active", {convolution("conv", data)})),
                           Entry{make_variable("weight"), 0, 0}},
                          {{"num_hidden", "2"}, {"no_bias", "True"}});
  const auto names = sliced({last});
  EXPECT_EQ(count(names, "conv_slice"), 4u);
  EXPECT_EQ(count(names, "pool_slice"), 5u);  // one of them joins
  EXPECT_EQ(names.back(), "dense");
  const IndexedGraph graph(result_);
  const std::vector<Shape> shapes = infer_shapes(graph, {{"data", {16, 8, 32, 32}}});
  EXPECT_EQ(shapes[static_cast<size_t>(graph.heads()[0])], (Shape{16, 2}));
  for (int n = 0; n < graph.node_count(); ++n) {
    if (graph.node(n)->name != "conv_slice1") continue;
    EXPECT_EQ(shapes[static_cast<size_t>(graph.first_entry(n))], (Shape{4, 8, 32, 32}));
  }
}

TEST_F(BatchSlices, EachSliceEndsBeforeTheNextBegins) {
  const auto names = sliced({pooled("pool", convolution("a", data))});
  const auto place = [&](const std::string& name) {
    return std::find(names.begin(), names.end(), name) - names.begin();
  };
  EXPECT_LT(place("pool_slice0"), place("a_slice1"));
  EXPECT_LT(place("pool_slice1"), place("a_slice2"));
}

TEST_F(BatchSlices, WhatIsReadTwiceIsCutOnce) {
  const Entry a = convolution("a", data);
  const auto names =
      sliced({pooled("pool", node("elemwise_add", "sum", {a, convolution("b", a)}))});
  EXPECT_EQ(count(names, "data_slice"), count(names, "sum_slice"));
}

TEST_F(BatchSlices, SmallOnesStayAsTheyAre) {
  const std::vector<Entry> heads = {pooled("pool", convolution("a", data))};
  EXPECT_EQ(count(sliced(heads, 2), "slice"), 0u);
  EXPECT_EQ(result_, heads);
}

TEST_F(BatchSlices, SamplesThatMeetStayTogether) {
  const Entry mean = node("mean", "mean", {convolution("a", data)}, {{"axis", "0"}});
  EXPECT_EQ(count(sliced({mean}), "slice"), 0u);
  // Broadcast over the batch is no obstacle, if what is broadcast stays whole.
  const Entry one{make_variable("one", {{"__shape__", "(1, 8, 1, 1)"}}), 0, 0};
  EXPECT_GT(
      count(sliced({pooled("pool", node("broadcast_add", "sum", {convolution("a", data), one}))}),
            "sum_slice"),
      1u);
}

TEST_F(BatchSlices, ValuesThatOthersReadEndAChain) {
  const Entry a = convolution("a", data), b = pooled("pool", a);
  const auto names = sliced({b, node("mean", "mean", {a}, {{"axis", "0"}})});
  EXPECT_EQ(count(names, "pool_slice"), 0u);
}

}  // namespace
}  // namespace gemel
