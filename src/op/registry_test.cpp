#include "op/registry.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gemel {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

struct CountParameters : Parameters {
  int num_args;
  static void declare(Fields<CountParameters>& f) {
    f.field("num_args", &CountParameters::num_args).range(1, 1000);
  }
};

GEMEL_OPERATORS(registry_test) {
  op("_test_registry_pair")
      .alias({"_test_registry_alias"})
      .inputs({"lhs", "rhs"})
      .outputs(3, 1)
      .shape(same_shape);
  op<CountParameters>("_test_registry_many")
      .variadic("num_args", &CountParameters::num_args)
      .shape(same_shape);
  op("_test_registry_state")
      .inputs({"data"})
      .auxiliary({{"mean", {{"__init__", "zero"}}}})
      .shape(same_shape);
  op("_test_registry_kernels")
      .inputs({"data"})
      .implement(
          "fast", [](const OpCall&) {},
          [](const OpCall& call) { return call.in[0].dtype == DType::float32; })
      .implement(
          "reference", [](const OpCall&) {},
          [](const OpCall& call) { return is_floating(call.in[0].dtype); });
}

template <typename F>
std::string message_of(F&& f) {
  try {
    f();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

TEST(Registry, FindsNamesAndAliases) {
  const OpInfo* pair = find_op("_test_registry_pair");
  ASSERT_NE(pair, nullptr);
  EXPECT_EQ(find_op("_test_registry_alias"), pair);
  EXPECT_EQ(lookup_operator("_test_registry_alias"), pair);
  EXPECT_EQ(find_op("_test_registry_nothing"), nullptr);
  const auto names = all_op_names();
  EXPECT_TRUE(std::is_sorted(names.begin(), names.end()));
  const auto all = all_ops();
  EXPECT_EQ(std::count(all.begin(), all.end(), pair), 1);
}

TEST(Registry, MisspeltNamesGetSuggestions) {
  EXPECT_THAT(message_of([] { require_op("_test_registry_piar"); }),
              HasSubstr("did you mean '_test_registry_pair'"));
}

TEST(Registry, DuplicatesAreRefusedAndChangeNothing) {
  EXPECT_THAT(message_of([] { op("_test_registry_other").alias({"_test_registry_pair"}); }),
              HasSubstr("already belongs to operator _test_registry_pair"));
  EXPECT_EQ(find_op("_test_registry_other"), nullptr);
}

TEST(Registry, WrongDefaultsAreRefused) {
  struct Wrong : Parameters {
    int n;
    static void declare(Fields<Wrong>& f) { f.field("n", &Wrong::n).fallback("x"); }
  };
  EXPECT_THAT(message_of([] { op<Wrong>("_test_registry_wrong"); }),
              HasSubstr("default of parameter n"));
}

TEST(Registry, CountsAndNames) {
  const OpInfo& pair = require_op("_test_registry_pair");
  const ParametersRef p = pair.parse({});
  EXPECT_EQ(pair.output_count(*p), 3);
  EXPECT_EQ(pair.visible_output_count(*p), 1);
  EXPECT_THAT(pair.output_names(*p), ElementsAre("output0", "output1", "output2"));
  const OpInfo& many = require_op("_test_registry_many");
  EXPECT_THAT(many.input_names(*many.parse({{"num_args", "2"}})), ElementsAre("arg0", "arg1"));
  const OpInfo& state = require_op("_test_registry_state");
  EXPECT_THAT(state.input_names(*p), ElementsAre("data", "mean"));
  EXPECT_EQ(state.auxiliary_count(*p), 1);
  EXPECT_EQ(state.input_attributes("mean").at("__init__"), "zero");
  EXPECT_TRUE(state.input_attributes("data").empty());
}

TEST(Registry, ChoosesTheFirstImplementationThatFits) {
  const OpInfo& info = require_op("_test_registry_kernels");
  const ParametersRef p = info.parse({});
  const auto choose = [&](DType dtype) {
    const std::vector<Tensor> tensors{Tensor(nullptr, Shape{2, 3}, dtype)};
    return info.choose(OpCall{info, *p, tensors, {}}).name;
  };
  EXPECT_EQ(choose(DType::float32), "fast");
  EXPECT_EQ(choose(DType::float64), "reference");
  EXPECT_EQ(message_of([&] { choose(DType::int8); }),
            "[_test_registry_kernels] no implementation takes the inputs int8(2,3); there are: "
            "fast, reference");
}

TEST(Registry, MakeNodeCountsInputs) {
  const Entry a{make_variable("a"), 0, 0};
  const NodeRef node = make_node(require_op("_test_registry_many"), "n", {a, a, a}, Attributes{});
  EXPECT_EQ(node->attributes.at("num_args"), "3");
  EXPECT_THAT(
      message_of([&] { make_node(require_op("_test_registry_pair"), "n", {a}, Attributes{}); }),
      HasSubstr("[_test_registry_pair] node n: expected 2 inputs, got 1"));
}

TEST(Rules, SameShapeMergesInBothDirections) {
  const OpInfo& info = require_op("_test_registry_pair");
  const ParametersRef p = info.parse({});
  std::vector<Shape> in{Shape{2, -1}, Shape::unknown()},
      out{Shape{-1, 3}, Shape::unknown(), Shape::unknown()};
  ShapeContext context{info, *p, in, out};
  same_shape(context);
  EXPECT_EQ(in[1], (Shape{2, 3}));
  EXPECT_EQ(in[0], (Shape{2, 3}));
  in[1] = Shape{2, 4};
  EXPECT_EQ(message_of([&] { same_shape(context); }),
            "[_test_registry_pair] rhs: expected shape (2,3), got (2,4)");
}

TEST(Rules, SameType) {
  const OpInfo& info = require_op("_test_registry_pair");
  const ParametersRef p = info.parse({});
  std::vector<DType> in{DType::none, DType::float16}, out{DType::none};
  TypeContext context{info, *p, in, out};
  same_type(context);
  EXPECT_EQ(in[0], DType::float16);
  EXPECT_EQ(out[0], DType::float16);
  out[0] = DType::int8;
  EXPECT_THAT(message_of([&] { same_type(context); }),
              HasSubstr("expected dtype float16, got int8"));
}

TEST(Rules, BroadcastShape) {
  EXPECT_EQ(broadcast_shape(Shape{2, 1, 3}, Shape{4, 1}, "op"), (Shape{2, 4, 3}));
  EXPECT_EQ(broadcast_shape(Shape{0}, Shape{1}, "op"), Shape{0});
  EXPECT_EQ(broadcast_shape(Shape{-1, 1}, Shape{5, -1}, "op"), (Shape{5, -1}));
  EXPECT_EQ(broadcast_shape(Shape::unknown(), Shape{5}, "op").ndim(), -1);
  EXPECT_THAT(message_of([] { broadcast_shape(Shape{2}, Shape{3}, "op"); }), HasSubstr("[op]"));
}

}  // namespace
}  // namespace gemel
