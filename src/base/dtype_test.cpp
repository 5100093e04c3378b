#include "base/dtype.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace gemel {
namespace {

TEST(DType, NamesAndSizesAgreeWithTheTypes) {
  for (int flag = 0; flag <= 12; ++flag) {
    ASSERT_TRUE(is_valid_dtype_flag(flag));
    const auto dtype = static_cast<DType>(flag);
    EXPECT_EQ(dtype_from_name(name_of(dtype)), dtype);
    dispatch(dtype, [&](auto type) {
      EXPECT_EQ(size_of(dtype), static_cast<int64_t>(sizeof(typename decltype(type)::type)));
    });
  }
  EXPECT_FALSE(is_valid_dtype_flag(13));
  EXPECT_FALSE(is_valid_dtype_flag(-1));
  EXPECT_EQ(name_of(DType::none), "none");
  EXPECT_THROW(dtype_from_name("float128"), Error);
  EXPECT_THROW(dispatch(DType::none, [](auto) {}), Error);
  EXPECT_THROW(dispatch_floating(DType::int8, "op", [](auto) {}), Error);
}

TEST(Bfloat16, RoundsToNearestEven) {
  EXPECT_EQ(bfloat16(1.0f).bits, 0x3f80);
  EXPECT_EQ(bfloat16(1.0f + 1.0f / 256).bits, 0x3f80);  // a tie goes to even
  EXPECT_EQ(bfloat16(1.0f + 3.0f / 256).bits, 0x3f82);
  EXPECT_EQ(bfloat16(1.0f + 1.01f / 256).bits, 0x3f81);
  EXPECT_TRUE(std::isnan(float(bfloat16(std::numeric_limits<float>::quiet_NaN()))));
  EXPECT_TRUE(std::isinf(float(bfloat16(std::numeric_limits<float>::max()))));
  for (int bits = 0; bits < 0x10000; ++bits) {
    bfloat16 value;
    value.bits = static_cast<uint16_t>(bits);
    if (!std::isnan(float(value))) {
      ASSERT_EQ(bfloat16(float(value)).bits, bits);
    }
  }
}

TEST(Float16, RoundTripsAndSaturates) {
  EXPECT_EQ(float16(1.0f).bits, 0x3c00);
  EXPECT_EQ(float16(65504.0f).bits, 0x7bff);
  EXPECT_TRUE(std::isinf(float(float16(65520.0f))));
  EXPECT_EQ(float(float16(5.9604645e-8f)), 5.9604645e-8f);  // the least subnormal
  for (int bits = 0; bits < 0x10000; ++bits) {
    float16 value;
    value.bits = static_cast<uint16_t>(bits);
    if (!std::isnan(float(value))) {
      ASSERT_EQ(float16(float(value)).bits, bits);
    }
  }
}

}  // namespace
}  // namespace gemel
