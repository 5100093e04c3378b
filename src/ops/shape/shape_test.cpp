#include <gtest/gtest.h>

#include <numeric>

#include "ops/shape/reshape.h"
#include "ops/testing.h"

namespace gemel {
namespace {

using testing::Array;
using testing::call;

Array ramp(const Shape& shape) {
  std::vector<double> values(static_cast<size_t>(shape.size()));
  std::iota(values.begin(), values.end(), 0);
  return Array(shape, values);
}

// Results recorded from MXNet 1.9.1.
TEST(Reshape, Codes) {
  const Shape in{2, 3, 4};
  struct Row {
    Shape codes, expected, reversed;
  };
  const Row rows[] = {{{-1}, {24}, {24}},          {{-2}, {2, 3, 4}, {2, 3, 4}},
                      {{0, -3}, {2, 12}, {2, 12}}, {{0, 0, -1}, {2, 3, 4}, {2, 3, 4}},
                      {{6, -1}, {6, 4}, {6, 4}},   {{-1, 0}, {8, 3}, {6, 4}}};
  for (const Row& row : rows) {
    EXPECT_EQ(resolve_reshape(in, row.codes, false), row.expected) << to_string(row.codes);
    EXPECT_EQ(resolve_reshape(in, row.codes, true), row.reversed) << to_string(row.codes);
  }
  EXPECT_EQ(resolve_reshape(in, {-4, 1, 2, -2}, false), (Shape{1, 2, 3, 4}));
  EXPECT_EQ(resolve_reshape(in, {-4, -1, 2, 0, 0}, false), (Shape{1, 2, 3, 4}));
  EXPECT_THROW(resolve_reshape(in, {-1, -1}, false), Error);
  EXPECT_THROW(resolve_reshape(in, {-5}, false), Error);
  EXPECT_THROW(resolve_reshape(in, {0, 0, 0, 0}, false), Error);
  EXPECT_THROW(call("Reshape", {ramp(in)}, {{"shape", "(0,)"}}), Error);
  EXPECT_EQ(call("Reshape", {ramp({4, 3, 2})}, {{"target_shape", "(0, 6)"}})[0].shape,
            (Shape{4, 6}));
  EXPECT_EQ(
      call("Reshape", {ramp({4, 3, 2})}, {{"target_shape", "(1, 0)"}, {"keep_highest", "1"}})[0]
          .shape,
      (Shape{4, 6}));
}

TEST(Slice, RangesAsInPython) {
  const Array a = ramp({2, 3, 4});
  const auto slice = [&](const char* begin, const char* end, const char* step) {
    return call("slice", {a}, {{"begin", begin}, {"end", end}, {"step", step}})[0];
  };
  const Array back = slice("(-1, None, 3)", "(None, None, None)", "(1, None, -2)");
  EXPECT_EQ(back.shape, (Shape{1, 3, 2}));
  EXPECT_EQ(back.values(), (std::vector<double>{15, 13, 19, 17, 23, 21}));
  EXPECT_EQ(slice("(0, 1)", "(5, 9)", "()").shape, (Shape{2, 2, 4}));
  EXPECT_EQ(slice("(0, 2)", "(2, 2)", "()").shape, (Shape{2, 0, 4}));
  EXPECT_THROW(slice("(0,)", "(1,)", "(0,)"), Error);
  EXPECT_THROW(slice("(0,0,0,0)", "(1,1,1,1)", "()"), Error);
}

TEST(Slice, Assignment) {
  EXPECT_EQ(call("_slice_assign_scalar", {Array({3, 3}, std::vector<double>(9, 0))},
                 {{"scalar", "5"},
                  {"begin", "(None, 2)"},
                  {"end", "(None, None)"},
                  {"step", "(-1, -2)"}})[0]
                .values(),
            (std::vector<double>{5, 0, 5, 5, 0, 5, 5, 0, 5}));
  EXPECT_EQ(call("_slice_assign", {Array({3, 2}, std::vector<double>(6, 0)), Array({1, 2}, {1, 2})},
                 {{"begin", "(1,)"}, {"end", "(2,)"}})[0]
                .values(),
            (std::vector<double>{0, 0, 1, 2, 0, 0}));
}

TEST(Transpose, EveryOrderOfALargeArray) {
  const Shape shape{9, 33, 40};
  const Array in = ramp(shape);
  Shape order{0, 1, 2};
  do {
    std::vector<double> expected;
    const Shape strides = contiguous_strides(shape);
    for (int64_t i = 0; i < shape[static_cast<int>(order[0])]; ++i)
      for (int64_t j = 0; j < shape[static_cast<int>(order[1])]; ++j)
        for (int64_t k = 0; k < shape[static_cast<int>(order[2])]; ++k)
          expected.push_back(static_cast<double>(i * strides[static_cast<int>(order[0])] +
                                                 j * strides[static_cast<int>(order[1])] +
                                                 k * strides[static_cast<int>(order[2])]));
    EXPECT_EQ(call("transpose", {in}, {{"axes", to_string(order)}})[0].values(), expected)
        << to_string(order);
  } while (std::next_permutation(order.begin(), order.end()));
  EXPECT_THROW(call("transpose", {in}, {{"axes", "(0, 0, 1)"}}), Error);
}

TEST(Join, InferenceRunsBothWays) {
  const OpInfo& op = require_op("Concat");
  const ParametersRef parameters = op.parse({{"num_args", "2"}, {"dim", "1"}});
  std::vector<Shape> in{Shape{2, 3}, Shape::unknown()}, out{Shape{2, 7}};
  ShapeContext context{op, *parameters, in, out};
  op.shape_rule(context);
  EXPECT_EQ(in[1], (Shape{2, 4}));
  EXPECT_THROW(call("Concat", {ramp({2, 3}), ramp({3, 3})}, {{"num_args", "2"}}), Error);
}

TEST(Join, SplitAndStack) {
  const std::vector<Array> parts =
      call("SliceChannel", {ramp({2, 3, 4})}, {{"num_outputs", "3"}, {"squeeze_axis", "1"}});
  ASSERT_EQ(parts.size(), 3u);
  EXPECT_EQ(parts[1].values(), (std::vector<double>{4, 5, 6, 7, 16, 17, 18, 19}));
  EXPECT_EQ(call("stack", parts, {{"num_args", "3"}, {"axis", "1"}})[0].values(),
            ramp({2, 3, 4}).values());
}

TEST(Repeat, TileAndRepeat) {
  EXPECT_EQ(call("tile", {ramp({2, 2})}, {{"reps", "(2,)"}})[0].values(),
            (std::vector<double>{0, 1, 0, 1, 2, 3, 2, 3}));
  EXPECT_EQ(call("repeat", {ramp({2, 2})}, {{"repeats", "2"}})[0].values(),
            (std::vector<double>{0, 0, 1, 1, 2, 2, 3, 3}));
  EXPECT_EQ(call("reverse", {ramp({2, 2})}, {{"axis", "(0, 1)"}})[0].values(),
            (std::vector<double>{3, 2, 1, 0}));
}

TEST(Squeeze, AxesAreNamedOrAll) {
  EXPECT_EQ(call("squeeze", {ramp({1, 2, 1})})[0].shape, (Shape{2}));
  EXPECT_EQ(call("squeeze", {ramp({1, 1})})[0].shape, (Shape{1}));
  EXPECT_THROW(call("squeeze", {ramp({1, 2})}, {{"axis", "1"}}), Error);
  EXPECT_EQ(call("Flatten", {ramp({3})})[0].shape, (Shape{3, 1}));
}

}  // namespace
}  // namespace gemel
