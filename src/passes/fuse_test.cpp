#include "passes/fuse.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <random>

#include "graph/symbol.h"
#include "op/registry.h"
#include "passes/infer_shape.h"
#include "passes/infer_type.h"
#include "passes/plan_memory.h"
#include "pointwise/operator.h"

namespace gemel {
namespace {

using pointwise::Expr;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// Pointwise operators of the tests' own, and one that is not pointwise.
GEMEL_OPERATORS(fuse_test_operators) {
  pointwise::define("_test_fuse_exp").value([](Expr x) { return pointwise::exp(x); });
  pointwise::define("_test_fuse_third").value([](Expr x) { return x / Expr(3.0); });
  pointwise::define("_test_fuse_add").value([](Expr a, Expr b) { return a + b; });
  pointwise::define("_test_fuse_mul").value([](Expr a, Expr b) { return a * b; });
  pointwise::define("_test_fuse_broadcast").value([](Expr a, Expr b) { return a - b; }).broadcast();
  pointwise::define_scalar("_test_fuse_scale").value([](Expr x, Expr s) { return x * s; });
  op("_test_fuse_opaque")
      .inputs({"data"})
      .shape(same_shape)
      .implement("copy", [](const OpCall& call) {
        std::memcpy(call.out[0].address, call.in[0].address, call.in[0].bytes());
      });
  op("_test_fuse_update")
      .inputs({"weight", "gradient"})
      .shape(same_shape)
      .mutates({0})
      .implement("none", [](const OpCall&) {});
}

Entry variable(const std::string& name) { return {make_variable(name), 0, 0}; }
Entry apply(const std::string& op, std::vector<Entry> inputs, Attributes attributes = {}) {
  static int count = 0;
  return {make_node(require_op("_test_fuse_" + op), op + std::to_string(count++), std::move(inputs),
                    std::move(attributes)),
          0, 0};
}

struct Inferred {
  IndexedGraph graph;
  std::vector<Shape> shapes;
  std::vector<DType> dtypes;
};
using Known = std::map<const Node*, Shape>;

Inferred infer(const std::vector<Entry>& heads, const Known& known, DType dtype) {
  Inferred result{IndexedGraph(heads), {}, {}};
  result.shapes.assign(static_cast<size_t>(result.graph.entry_count()), Shape::unknown());
  result.dtypes.assign(static_cast<size_t>(result.graph.entry_count()), DType::none);
  for (int n : result.graph.variables()) {
    const auto found = known.find(result.graph.node(n));
    result.shapes[static_cast<size_t>(result.graph.first_entry(n))] =
        found == known.end() ? Shape{5, 7} : found->second;
    result.dtypes[static_cast<size_t>(result.graph.first_entry(n))] = dtype;
  }
  infer_shapes(result.graph, result.shapes);
  infer_types(result.graph, result.dtypes);
  return result;
}

std::vector<Entry> fuse(const std::vector<Entry>& heads, const Known& known = {},
                        DType dtype = DType::float32) {
  const Inferred before = infer(heads, known, dtype);
  return fuse_pointwise(before.graph, heads, before.shapes, before.dtypes);
}

// Runs a graph node by node on bytes.
std::vector<std::vector<std::byte>> evaluate(const std::vector<Entry>& heads, const Known& known,
                                             DType dtype) {
  const Inferred g = infer(heads, known, dtype);
  std::vector<std::vector<std::byte>> memory;
  std::vector<Tensor> tensors;
  for (int e = 0; e < g.graph.entry_count(); ++e) {
    const Shape& shape = g.shapes[static_cast<size_t>(e)];
    memory.emplace_back(static_cast<size_t>(shape.size() * size_of(dtype)));
    tensors.emplace_back(memory.back().data(), shape, dtype);
  }
  for (int n = 0; n < g.graph.node_count(); ++n) {
    const Node& node = *g.graph.node(n);
    const size_t first = static_cast<size_t>(g.graph.first_entry(n));
    if (node.is_variable()) {
      std::mt19937 random(static_cast<unsigned>(std::hash<std::string>()(node.name)));
      dispatch(dtype, [&](auto type) {
        using T = typename decltype(type)::type;
        for (int64_t i = 0; i < tensors[first].size(); ++i)
          if constexpr (std::is_integral_v<T>)
            tensors[first].data<T>()[i] = static_cast<T>(random() % 100);
          else
            tensors[first].data<T>()[i] = T(static_cast<float>(random() % 2000) / 1000.0f - 1.0f);
      });
      continue;
    }
    std::vector<Tensor> in, out(tensors.begin() + static_cast<long>(first),
                                tensors.begin() + static_cast<long>(first) + node.output_count());
    for (int entry : g.graph.inputs(n)) in.push_back(tensors[static_cast<size_t>(entry)]);
    const OpCall call{static_cast<const OpInfo&>(*node.op), *node.parameters, in, out};
    call.op.choose(call).kernel(call);
  }
  std::vector<std::vector<std::byte>> results;
  for (int head : g.graph.heads()) results.push_back(memory[static_cast<size_t>(head)]);
  return results;
}

int operators(const std::vector<Entry>& heads) {
  int count = 0;
  for (const Node* node : topological_order(heads)) count += !node->is_variable();
  return count;
}

TEST(Fuse, AChainBecomesOneNode) {
  const Entry x = variable("x");
  const std::vector<Entry> heads{apply("third", {apply("exp", {apply("exp", {x})})})};
  const std::vector<Entry> fused = fuse(heads);
  EXPECT_EQ(operators(fused), 1);
  EXPECT_EQ(fused[0].node->op->name(), "_pointwise");
  EXPECT_THAT(fused[0].node->name, HasSubstr("+"));
  EXPECT_EQ(fused[0].node->inputs[0].node, x.node);
  EXPECT_EQ(evaluate(fused, {}, DType::float32), evaluate(heads, {}, DType::float32));
}

TEST(Fuse, BranchesThatMeet) {
  const Entry a = variable("a"), b = variable("b"), c = variable("c"), d = variable("d");
  const Entry left = apply("scale", {apply("add", {apply("mul", {a, b}), c})}, {{"scalar", "0.5"}});
  const std::vector<Entry> heads{
      apply("add", {left, apply("exp", {apply("scale", {d}, {{"scalar", "-1"}})})})};
  const std::vector<Entry> fused = fuse(heads);
  EXPECT_EQ(operators(fused), 1);
  EXPECT_EQ(fused[0].node->inputs.size(), 4u);
  EXPECT_EQ(evaluate(fused, {}, DType::float32), evaluate(heads, {}, DType::float32));
}

TEST(Fuse, WhatIsNeededOutsideIsAnOutput) {
  const Entry x = variable("x");
  const Entry e = apply("exp", {x}), t = apply("third", {e});
  const std::vector<Entry> heads{t, apply("opaque", {e}), e};
  const std::vector<Entry> fused = fuse(heads);
  EXPECT_EQ(operators(fused), 2);
  EXPECT_EQ(fused[0].node->output_count(), 2);
  EXPECT_EQ(fused[0].node, fused[2].node);
  EXPECT_EQ(evaluate(fused, {}, DType::float32), evaluate(heads, {}, DType::float32));
}

TEST(Fuse, NoCycleThroughOtherNodes) {
  const Entry x = variable("x");
  const Entry e = apply("exp", {x});
  const Entry between = apply("opaque", {e});
  const std::vector<Entry> heads{apply("add", {apply("third", {e}), between})};
  const std::vector<Entry> fused = fuse(heads);
  EXPECT_EQ(evaluate(fused, {}, DType::float32), evaluate(heads, {}, DType::float32));
  EXPECT_LE(operators(fused), 3);
}

TEST(Fuse, InputsMayBroadcast) {
  const Entry x = variable("x"), row = variable("row");
  const Known known{{row.node.get(), Shape{1, 7}}};
  const std::vector<Entry> heads{
      apply("exp", {apply("broadcast", {apply("third", {x}), apply("exp", {row})})})};
  const std::vector<Entry> fused = fuse(heads, known);
  EXPECT_EQ(operators(fused), 2);  // exp of the row has another shape
  EXPECT_EQ(evaluate(fused, known, DType::float32), evaluate(heads, known, DType::float32));
}

TEST(Fuse, NodesThatReadWrittenVariablesStay) {
  const Entry w = variable("w"), x = variable("x");
  const Entry e = apply("third", {apply("exp", {w})});
  const std::vector<Entry> heads{e, apply("update", {w, x})};
  EXPECT_EQ(operators(fuse(heads)), 3);
}

TEST(Fuse, SingleNodesAndUnknownShapesStayTheSame) {
  const Entry x = variable("x");
  const std::vector<Entry> heads{apply("opaque", {apply("exp", {x})})};
  EXPECT_EQ(fuse(heads), heads);
  const std::vector<Entry> chain{apply("exp", {apply("exp", {x})})};
  const IndexedGraph graph(chain);
  const std::vector<Shape> shapes(3, Shape::unknown());
  const std::vector<DType> dtypes(3, DType::float32);
  EXPECT_EQ(fuse_pointwise(graph, chain, shapes, dtypes), chain);
}

TEST(Fuse, GroupsAreLimited) {
  Entry chain = variable("x");
  for (int i = 0; i < 100; ++i) chain = apply("third", {chain});
  EXPECT_EQ(operators(fuse({chain})), 4);
  std::vector<Entry> sums;
  Entry sum = variable("v0");
  for (int i = 1; i < 30; ++i) sum = apply("add", {sum, variable("v" + std::to_string(i))});
  const std::vector<Entry> fused = fuse({sum});  // owns the nodes that are looked at
  for (const Node* node : topological_order(fused)) EXPECT_LE(node->inputs.size(), 16u);
}

TEST(Fuse, TheSameHeadTwice) {
  const Entry e = apply("exp", {apply("third", {variable("x")})});
  const std::vector<Entry> fused = fuse({e, e});
  EXPECT_EQ(fused[0], fused[1]);
  EXPECT_EQ(operators(fused), 1);
}

class FuseRandom : public ::testing::TestWithParam<DType> {};

// Random graphs give the same bits fused and not, in every dtype.
TEST_P(FuseRandom, SameBits) {
  std::mt19937 random(5);
  int before = 0, after = 0;
  for (int round = 0; round < 25; ++round) {
    Known known;
    std::vector<Entry> entries{variable("a"), variable("b"), variable("c")};
    for (int i = 0; i < 25; ++i) {
      const auto pick = [&] {
        return entries[entries.size() - 1 - random() % std::min<size_t>(entries.size(), 8)];
      };
      switch (random() % 7) {
        case 0:
          entries.push_back(apply("third", {pick()}));
          break;
        case 1:
          entries.push_back(apply("add", {pick(), pick()}));
          break;
        case 2:
          entries.push_back(apply("mul", {pick(), pick()}));
          break;
        case 3:
          entries.push_back(apply("scale", {pick()}, {{"scalar", "0.7"}, {"is_int", "1"}}));
          break;
        case 4:
          entries.push_back(apply("opaque", {pick()}));
          break;
        case 5: {
          const Entry row = variable("row" + std::to_string(i));
          known[row.node.get()] = Shape{1, 7};
          entries.push_back(apply("broadcast", {pick(), row}));
          break;
        }
        default:
          entries.push_back(apply(is_floating(GetParam()) ? "exp" : "third", {pick()}));
          break;
      }
    }
    const std::vector<Entry> heads{entries.back(), entries[entries.size() - 4],
                                   entries[entries.size() - 9]};
    const std::vector<Entry> fused = fuse(heads, known, GetParam());
    before += operators(heads);
    after += operators(fused);
    const auto expected = evaluate(heads, known, GetParam()),
               got = evaluate(fused, known, GetParam());
    ASSERT_EQ(got, expected) << "round " << round;
  }
  EXPECT_LT(after, before * 2 / 3);
}

INSTANTIATE_TEST_SUITE_P(Types, FuseRandom,
                         ::testing::Values(DType::float32, DType::float64, DType::float16,
                                           DType::bfloat16, DType::int32, DType::uint8,
                                           DType::int64),
                         [](const auto& info) { return std::string(name_of(info.param)); });

}  // namespace
}  // namespace gemel
