#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "passes/infer_shape.h"
#include "passes/infer_type.h"
#include "passes/test_operators.h"

namespace gemel {
namespace {

using testing::apply;
using ::testing::HasSubstr;
using testing::variable;

template <typename F>
std::string message_of(F&& f) {
  try {
    f();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

TEST(InferShape, ForwardThroughAChain) {
  const Entry x = variable("x"), w = variable("w"), v = variable("v");
  const IndexedGraph graph({apply(
      "dense", {apply("exp", {apply("dense", {x, w}, {{"units", "8"}})}), v}, {{"units", "3"}})});
  const auto shapes = infer_shapes(graph, {{"x", Shape{5, 4}}});
  EXPECT_EQ(shapes[graph.entry_id(w)], (Shape{8, 4}));
  EXPECT_EQ(shapes[graph.entry_id(v)], (Shape{3, 8}));
  EXPECT_EQ(shapes[graph.heads()[0]], (Shape{5, 3}));
}

TEST(InferShape, BackwardFromWhatIsKnownLater) {
  const Entry x = variable("x"), y = variable("y");
  Entry chain = x;
  for (int i = 0; i < 5; ++i) chain = apply("exp", {chain});
  const IndexedGraph graph({apply("mul", {chain, y})});
  const auto shapes = infer_shapes(graph, {{"y", Shape{2, 3}}});
  EXPECT_EQ(shapes[graph.entry_id(x)], (Shape{2, 3}));
}

TEST(InferShape, PartsFromDifferentSides) {
  const Entry x = variable("x"), y = variable("y");
  const IndexedGraph graph({apply("exp", {apply("mul", {x, y})})});
  const auto shapes = infer_shapes(graph, {{"x", Shape{2, -1}}, {"y", Shape{-1, 3}}});
  for (const Shape& shape : shapes) EXPECT_EQ(shape, (Shape{2, 3}));
}

TEST(InferShape, AttributesOfVariables) {
  const Entry x = variable("x", {{"__shape__", "(0, 3)"}}),
              y = variable("y", {{"__shape__", "()"}});
  const IndexedGraph graph({apply("mul", {x, y})});
  EXPECT_EQ(infer_shapes(graph, {})[0], (Shape{-1, 3}));
  EXPECT_EQ(infer_shapes(graph, {{"y", Shape{2, -1}}})[0], (Shape{2, 3}));
  EXPECT_EQ(infer_shapes(graph, {{"x", Shape{4, 4}}})[1], (Shape{4, 4}));
  const IndexedGraph full({variable("x", {{"__shape__", "(2, 3)"}})});
  EXPECT_EQ(infer_shapes(full, {{"x", Shape{-1, 4}}})[0], (Shape{2, 3}));
  const IndexedGraph wrong({variable("x", {{"__shape__", "(a)"}})});
  EXPECT_THAT(message_of([&] { infer_shapes(wrong, {}); }),
              HasSubstr("variable x: attribute __shape__"));
}

TEST(InferShape, WhatDoesNotFollowStaysUnknown) {
  const IndexedGraph graph({apply("dense", {variable("x"), variable("w")}, {{"units", "8"}})});
  const auto shapes = infer_shapes(graph, {});
  EXPECT_EQ(shapes[0], (Shape{-1, -1}));
  EXPECT_EQ(shapes[1], (Shape{8, -1}));
  EXPECT_EQ(shapes[2], (Shape{-1, 8}));
}

TEST(InferShape, ContradictionsNameOperatorNodeAndBoth) {
  const Entry x = variable("x"), w = variable("w");
  const IndexedGraph graph({apply("dense", {x, w}, {{"units", "10"}}, "fc1")});
  EXPECT_EQ(message_of([&] {
              infer_shapes(graph, {{"x", Shape{5, 784}}, {"w", Shape{10, 100}}});
            }),
            "[_test_pass_dense] node fc1: weight: expected shape (10,784), got (10,100)");
}

TEST(InferShape, AContradictionFoundLateIsFound) {
  const Entry x = variable("x");
  const IndexedGraph graph({apply("dense", {x, x}, {{"units", "10"}}, "fc1")});
  EXPECT_THAT(message_of([&] {
                infer_shapes(graph, {{"x", Shape{5, 7}}});
              }),
              HasSubstr("node fc1"));
}

TEST(InferShape, UnknownNames) {
  const IndexedGraph graph({variable("data")});
  EXPECT_THAT(message_of([&] {
                infer_shapes(graph, {{"dat", Shape{5}}});
              }),
              HasSubstr("did you mean 'data'?"));
}

TEST(InferShape, TenThousandNodes) {
  Entry chain = variable("x");
  for (int i = 0; i < 10000; ++i) chain = apply("exp", {chain});
  const IndexedGraph graph({apply("mul", {chain, variable("y")})});
  const auto shapes = infer_shapes(graph, {{"y", Shape{2, 3}}});
  EXPECT_EQ(shapes[0], (Shape{2, 3}));
  EXPECT_EQ(infer_types(graph, {{"y", DType::float16}})[0], DType::float16);
}

TEST(InferType, BothDirectionsAndCasts) {
  const Entry x = variable("x"), y = variable("y", {{"__dtype__", "2"}});
  const Entry cast = apply("cast", {apply("exp", {x})}, {{"dtype", "float16"}});
  const IndexedGraph graph({apply("mul", {cast, y})});
  EXPECT_EQ(infer_types(graph, {})[graph.entry_id(x)], DType::none);
  const auto dtypes = infer_types(graph, {{"x", DType::int32}});
  EXPECT_EQ(dtypes[graph.entry_id(x)], DType::int32);
  EXPECT_EQ(dtypes[graph.heads()[0]], DType::float16);
}

TEST(InferType, Contradictions) {
  const Entry x = variable("x"), y = variable("y");
  const IndexedGraph graph({apply("mul", {x, y}, {}, "m")});
  EXPECT_EQ(message_of([&] {
              infer_types(graph, {{"x", DType::int32}, {"y", DType::float32}});
            }),
            "[_test_pass_mul] node m: rhs: expected dtype int32, got float32");
  const IndexedGraph wrong({variable("x", {{"__dtype__", "99"}})});
  EXPECT_THAT(message_of([&] { infer_types(wrong, {}); }), HasSubstr("there is no dtype 99"));
}

}  // namespace
}  // namespace gemel
