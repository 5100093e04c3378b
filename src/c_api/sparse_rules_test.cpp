#include "c_api/sparse_rules.h"

#include <gtest/gtest.h>

#include "op/registry.h"

namespace gemel::c_api {
namespace {

TEST(SparseRules, AllNamesAreOperators) {
  for (const std::string_view name : zero_keeping_operators()) EXPECT_TRUE(find_op(name)) << name;
}

TEST(SparseRules, FunctionsThatKeepZero) {
  EXPECT_TRUE(keeps_zeros("sin", {}));
  EXPECT_TRUE(keeps_zeros("_mul_scalar", {{"scalar", "2"}}));
  EXPECT_FALSE(keeps_zeros("cos", {}));
  EXPECT_FALSE(keeps_zeros("erf", {}));  // it does, but 1.9.1's result is dense
}

TEST(SparseRules, ScalarsDecide) {
  const auto keeps = [](const char* op, const char* scalar) {
    return keeps_zeros(op, {{"scalar", scalar}});
  };
  EXPECT_TRUE(keeps("_plus_scalar", "0") && !keeps("_plus_scalar", "1"));
  EXPECT_TRUE(keeps("_greater_scalar", "0") && !keeps("_greater_scalar", "-1"));
  EXPECT_TRUE(keeps("_greater_equal_scalar", "1") && !keeps("_greater_equal_scalar", "0"));
  EXPECT_TRUE(keeps("_lesser_scalar", "0.0") && !keeps("_lesser_scalar", "0.5"));
  EXPECT_TRUE(keeps("_lesser_equal_scalar", "-1") && !keeps("_lesser_equal_scalar", "0"));
  EXPECT_TRUE(keeps("_equal_scalar", "1") && !keeps("_equal_scalar", "0"));
  EXPECT_TRUE(keeps("_not_equal_scalar", "0") && !keeps("_not_equal_scalar", "1"));
  EXPECT_FALSE(keeps_zeros("_equal_scalar", {}) || keeps("_equal_scalar", "wide"));
}

TEST(SparseRules, ClipKeepsZeroBetweenItsBounds) {
  EXPECT_TRUE(keeps_zeros("clip", {{"a_min", "-1"}, {"a_max", "0"}}));
  EXPECT_FALSE(keeps_zeros("clip", {{"a_min", "1"}, {"a_max", "2"}}));
  EXPECT_FALSE(keeps_zeros("clip", {{"a_min", "-1"}}));
}

}  // namespace
}  // namespace gemel::c_api
