#include "passes/layout.h"

#include <gtest/gtest.h>

#include <map>

#include "op/blocked_form.h"
#include "ops/testing.h"
#include "passes/infer_shape.h"
#include "passes/infer_type.h"

namespace gemel {
namespace {

using testing::Array;

// A stand-in for a convolution: 3 * x in either layout.
struct LeadParameters : Parameters {
  static void declare(Fields<LeadParameters>&) {}
};
Entry lead_in_blocks(const BlockedContext& c) {
  const NodeRef made =
      make_node(require_op(c.blocked_out ? "_test_layout_lead_blocked" : "_test_layout_lead"),
                c.node.name, {c.blocked_out ? c.blocked(0) : c.plain(0)});
  return {made, 0, 0};
}
void times_three(const OpCall& c) {
  for (int64_t i = 0; i < c.in[0].size(); ++i)
    c.out[0].data<float>()[i] = 3 * c.in[0].data<const float>()[i];
}
GEMEL_OPERATORS(layout_test_operators) {
  for (const char* name : {"_test_layout_lead", "_test_layout_lead_blocked"})
    op<LeadParameters>(name).inputs({"data"}).shape(same_shape).implement("reference", times_three);
  set_blocked_form(
      "_test_layout_lead",
      {.leads = true, .exists = [](const BlockedNode&) { return true; }, .make = lead_in_blocks});
}

Entry variable(const std::string& name) { return {make_variable(name), 0, 0}; }
Entry apply(const std::string& op, const std::string& name, std::vector<Entry> inputs,
            Attributes attributes = {}) {
  return {make_node(require_op(op), name, std::move(inputs), std::move(attributes)), 0, 0};
}
Entry lead(const std::string& name, Entry input) {
  return apply("_test_layout_lead", name, {std::move(input)});
}
Entry pool(const std::string& name, Entry input) {
  return apply("Pooling", name, {std::move(input)}, {{"kernel", "(2, 2)"}});
}

class LayoutPass : public ::testing::Test {
 protected:
  const Shape shape{1, 32, 6, 5};
  Entry x = variable("x");

  std::vector<Entry> run(const std::vector<Entry>& heads) {
    const IndexedGraph graph(heads);
    std::vector<Shape> shapes(static_cast<size_t>(graph.entry_count()), Shape::unknown());
    std::vector<DType> dtypes(shapes.size(), DType::none);
    const auto entry = static_cast<size_t>(graph.entry_id(x));
    shapes[entry] = shape;
    dtypes[entry] = DType::float32;
    infer_shapes(graph, shapes, false);
    infer_types(graph, dtypes);
    return choose_layouts(graph, heads, shapes, dtypes);
  }

  // How often each operator occurs.
  static std::map<std::string, int> count(const std::vector<Entry>& heads) {
    std::map<std::string, int> counts;
    for (const Node* node : topological_order(heads))
      if (!node->is_variable()) ++counts[node->op->name()];
    return counts;
  }

  void expect_equal_values(const std::vector<Entry>& before, const std::vector<Entry>& after) {
    std::vector<double> values(static_cast<size_t>(shape.size()));
    for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<double>(i % 23) - 11;
    testing::Evaluator evaluate;
    evaluate.known[x.node.get()] = {Array(shape, values)};
    ASSERT_EQ(before.size(), after.size());
    for (size_t i = 0; i < before.size(); ++i) {
      const Array expected = evaluate(before[i]), got = evaluate(after[i]);
      EXPECT_EQ(got.shape, expected.shape);
      EXPECT_EQ(got.values(), expected.values());
    }
  }
};

TEST_F(LayoutPass, AChainHasReordersAtItsEndsOnly) {
  const std::vector<Entry> heads = {pool("p", apply("relu", "r", {lead("b", lead("a", x))}))};
  const auto after = run(heads);
  const auto counts = count(after);
  EXPECT_EQ(counts.at("_to_blocked"), 1);
  EXPECT_EQ(counts.at("_from_blocked"), 1);
  EXPECT_EQ(counts.at("_blocked_pooling"), 1);
  EXPECT_EQ(counts.at("_test_layout_lead_blocked"), 2);
  expect_equal_values(heads, after);
}

TEST_F(LayoutPass, NobodyWantsBlocksAfterTheLastOfAChain) {
  const std::vector<Entry> heads = {lead("a", x)};
  EXPECT_EQ(count(run(heads)), (std::map<std::string, int>{{"_test_layout_lead", 1}}));
}

TEST_F(LayoutPass, BranchesShareAReorderAndAreJoinedInBlocks) {
  const Entry joined = apply("Concat", "c", {lead("a", x), lead("b", x)}, {{"num_args", "2"}});
  const std::vector<Entry> heads = {pool("p", lead("d", joined))};
  const auto after = run(heads);
  EXPECT_EQ(count(after).at("_to_blocked"), 1);
  EXPECT_EQ(count(after).at("_from_blocked"), 1);
  expect_equal_values(heads, after);
}

TEST_F(LayoutPass, NobodyWantsBlocksForAJoinThatHasPlainParts) {
  const Entry joined = apply("Concat", "c", {lead("a", x), x}, {{"num_args", "2"}});
  EXPECT_EQ(count(run({pool("p", joined)})),
            (std::map<std::string, int>{{"_test_layout_lead", 1}, {"Concat", 1}, {"Pooling", 1}}));
}

TEST_F(LayoutPass, SumsOfBlocksAndVectorsOfChannelsStayInBlocks) {
  const Entry a = lead("a", x);
  const Entry mean = apply("Pooling", "g", {a}, {{"global_pool", "True"}, {"pool_type", "sum"}});
  const Entry scaled = apply("broadcast_mul", "m", {apply("elemwise_add", "s", {a, x}), mean});
  const std::vector<Entry> heads = {pool("p", lead("b", scaled))};
  expect_equal_values(heads, run(heads));
}

TEST_F(LayoutPass, WhatHasNoBlockedFormReadsPlainArraysMadeOnce) {
  const Entry a = lead("a", x), p = pool("p", a);
  const std::vector<Entry> heads = {apply("Flatten", "f", {p}), apply("transpose", "t", {p}),
                                    pool("q", p), a};
  const auto after = run(heads);
  EXPECT_EQ(count(after).at("_from_blocked"), 3);  // of a, p and q
  expect_equal_values(heads, after);
}

TEST_F(LayoutPass, NodesKeepTheirNames) {
  const auto after = run({pool("p", apply("relu", "r", {lead("a", x)}))});
  std::vector<std::string> names;
  for (const Node* node : topological_order(after)) names.push_back(node->name);
  for (const char* name : {"x", "a", "r", "p"})
    EXPECT_NE(std::find(names.begin(), names.end(), name), names.end()) << name;
}

TEST_F(LayoutPass, GraphsWithoutALeaderAreLeftAsTheyAre) {
  const std::vector<Entry> heads = {pool("p", apply("relu", "r", {x}))};
  EXPECT_EQ(run(heads), heads);
}

}  // namespace
}  // namespace gemel
