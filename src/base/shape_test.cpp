#include "base/shape.h"

#include <gtest/gtest.h>

namespace gemel {
namespace {

TEST(Shape, KnowsItsAxes) {
  const Shape shape = {2, 3, 4};
  EXPECT_EQ(shape.ndim(), 3);
  EXPECT_EQ(shape.size(), 24);
  EXPECT_EQ(shape.size(1, 3), 12);
  EXPECT_EQ(shape.size(1, 1), 1);
  EXPECT_TRUE(shape.known());
  EXPECT_EQ(Shape().size(), 1);
  EXPECT_FALSE(Shape::unknown().known());
  EXPECT_FALSE((Shape{2, -1}).known());
  EXPECT_EQ((Shape{int64_t{1} << 20, int64_t{1} << 20}).size(), int64_t{1} << 40);
  EXPECT_EQ(Shape::filled(2, 7), (Shape{7, 7}));
  EXPECT_NE(Shape(), Shape::unknown());
}

TEST(Shape, RefusesTooManyAxes) {
  EXPECT_THROW((Shape{1, 1, 1, 1, 1, 1, 1, 1, 1}), Error);
  Shape shape = Shape::filled(8, 1);
  EXPECT_THROW(shape.push_back(1), Error);
  EXPECT_THROW(Shape::filled(9, 1), Error);
}

TEST(Shape, TextIsMxnets) {
  EXPECT_EQ(to_string(Shape{2, 3}), "(2,3)");
  EXPECT_EQ(to_string(Shape{2}), "(2,)");
  EXPECT_EQ(to_string(Shape{}), "()");
  EXPECT_EQ(to_string(Shape::unknown()), "None");
  EXPECT_EQ(fmt::format("{}", Shape{2, -1}), "(2,-1)");
}

TEST(Shape, MergesWhatIsKnown) {
  Shape target = Shape::unknown();
  EXPECT_TRUE(merge_shape(target, Shape{-1, 3}));
  EXPECT_TRUE(merge_shape(target, Shape{2, -1}));
  EXPECT_EQ(target, (Shape{2, 3}));
  EXPECT_TRUE(merge_shape(target, Shape::unknown()));
  EXPECT_FALSE(merge_shape(target, Shape{2, 4}));
  EXPECT_FALSE(merge_shape(target, Shape{2}));
}

TEST(Shape, StridesAndAxes) {
  EXPECT_EQ(contiguous_strides(Shape{2, 3, 4}), (Shape{12, 4, 1}));
  EXPECT_EQ(normalize_axis(-1, 3, "op"), 2);
  EXPECT_EQ(normalize_axis(0, 1, "op"), 0);
  EXPECT_THROW(normalize_axis(3, 3, "op"), Error);
  EXPECT_THROW(normalize_axis(-4, 3, "op"), Error);
}

}  // namespace
}  // namespace gemel
