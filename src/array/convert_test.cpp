#include "array/convert.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <vector>

namespace gemel {
namespace {

template <typename T>
Tensor tensor_of(T* data, const Shape& shape, DType dtype) {
  return Tensor(const_cast<std::remove_const_t<T>*>(data), shape, dtype);
}

TEST(Convert, EveryPairKeepsSmallWholeNumbers) {
  for (int from = 0; from <= 12; ++from)
    for (int to = 0; to <= 12; ++to) {
      const auto source = static_cast<DType>(from), target = static_cast<DType>(to);
      double numbers[5] = {0, 1, 2, 77, 100}, back[5];
      alignas(8) std::byte a[40], b[40];
      const Shape shape = {5};
      convert(tensor_of(numbers, shape, DType::float64), Tensor(a, shape, source));
      convert(Tensor(a, shape, source), Tensor(b, shape, target));
      convert(Tensor(b, shape, target), tensor_of(back, shape, DType::float64));
      const bool truth = source == DType::boolean || target == DType::boolean;
      for (int i = 0; i < 5; ++i)
        EXPECT_EQ(back[i], truth ? double(numbers[i] != 0) : numbers[i])
            << name_of(source) << " to " << name_of(target);
    }
}

TEST(Convert, FractionsAreDropped) {
  const float values[] = {1.9f, -1.9f, 0.5f, -0.5f, 0.0f, -0.0f};
  int8_t small[6];
  int64_t large[6];
  bool truth[6];
  convert(tensor_of(values, {6}, DType::float32), Tensor(small, {6}, DType::int8));
  convert(tensor_of(values, {2, 3}, DType::float32), Tensor(large, {6}, DType::int64));
  convert(tensor_of(values, {6}, DType::float32), Tensor(truth, {6}, DType::boolean));
  const int expected[] = {1, -1, 0, 0, 0, 0};
  const bool expected_truth[] = {true, true, true, true, false, false};
  for (int i = 0; i < 6; ++i) {
    EXPECT_EQ(small[i], expected[i]);
    EXPECT_EQ(large[i], expected[i]);
    EXPECT_EQ(truth[i], expected_truth[i]);
  }
}

TEST(Convert, WideIntegersStayExact) {
  const int64_t values[] = {(int64_t{1} << 53) + 1, INT64_MIN, -1};
  uint64_t got[3];
  convert(tensor_of(values, {3}, DType::int64), Tensor(got, {3}, DType::uint64));
  EXPECT_EQ(got[0], (uint64_t{1} << 53) + 1);
  EXPECT_EQ(got[2], UINT64_MAX);
  const double numbers[] = {3e9, 200.0, -1.0};
  uint32_t words[3];
  uint8_t bytes[3];
  convert(tensor_of(numbers, {3}, DType::float64), Tensor(words, {3}, DType::uint32));
  convert(tensor_of(numbers, {3}, DType::float64), Tensor(bytes, {3}, DType::uint8));
  EXPECT_EQ(words[0], 3000000000u);
  EXPECT_EQ(bytes[1], 200);
  EXPECT_EQ(bytes[2], 255);
}

TEST(Convert, NanIsTrueAndStaysNan) {
  const float nan = std::nanf("");
  double wide;
  bool truth;
  float16 half;
  convert(tensor_of(&nan, {}, DType::float32), Tensor(&wide, {}, DType::float64));
  convert(tensor_of(&nan, {}, DType::float32), Tensor(&truth, {}, DType::boolean));
  convert(tensor_of(&nan, {}, DType::float32), Tensor(&half, {}, DType::float16));
  EXPECT_TRUE(std::isnan(wide) && truth && std::isnan(float(half)));
}

TEST(Convert, RefusesWhatDoesNotFit) {
  float a[4] = {};
  double b[4];
  EXPECT_THROW(convert(tensor_of(a, {4}, DType::float32), Tensor(b, {3}, DType::float64)), Error);
  Tensor strided(a, {2}, DType::float32);
  strided.stride = {2};
  EXPECT_THROW(convert(strided, Tensor(b, {2}, DType::float64)), Error);
  convert(tensor_of(a, {0}, DType::float32), Tensor(nullptr, {0}, DType::float64));
}

// Compares with the address of each element computed on its own.
template <typename T>
void check_strided(const Shape& shape, const Shape& stride, int64_t start, DType dtype) {
  std::vector<T> data(1000);
  std::iota(data.begin(), data.end(), T(0));
  Tensor from(data.data() + start, shape, dtype);
  from.stride = stride;
  std::vector<T> got(static_cast<size_t>(shape.size()));
  copy_strided(from, Tensor(got.data(), shape, dtype));
  for (int64_t i = 0; i < shape.size(); ++i) {
    int64_t rest = i, address = start;
    for (int axis = shape.ndim() - 1; axis >= 0; --axis) {
      address += rest % shape[axis] * stride[axis];
      rest /= shape[axis];
    }
    ASSERT_EQ(got[static_cast<size_t>(i)], T(address)) << to_string(shape) << to_string(stride);
  }
}

TEST(CopyStrided, GathersEveryStride) {
  check_strided<float>({3, 4}, {1, 3}, 0, DType::float32);             // transposed
  check_strided<double>({2, 3, 4}, {100, 7, -1}, 50, DType::float64);  // reversed last axis
  check_strided<uint8_t>({4, 5}, {0, 1}, 3, DType::uint8);             // broadcast
  check_strided<int64_t>({5}, {-3}, 20, DType::int64);
  check_strided<int16_t>({2, 3, 4}, {12, 4, 1}, 5, DType::int16);  // contiguous after all
  check_strided<float>({2, 1, 3, 4}, {24, 99, 8, 2}, 0, DType::float32);
  check_strided<float>({1, 1}, {5, 5}, 9, DType::float32);
  check_strided<float>({}, {}, 4, DType::float32);
  check_strided<float>({2, 2, 2, 2, 2, 2, 2, 2}, {1, 2, 4, 8, 16, 32, 64, 128}, 0, DType::float32);
}

TEST(CopyStrided, CopiesContiguousAndRefusesOthers) {
  const float a[4] = {1, 2, 3, 4};
  float b[4];
  copy_strided(tensor_of(a, {2, 2}, DType::float32), Tensor(b, {2, 2}, DType::float32));
  EXPECT_EQ(b[3], 4);
  EXPECT_THROW(copy_strided(tensor_of(a, {4}, DType::float32), Tensor(b, {2, 2}, DType::float32)),
               Error);
  EXPECT_THROW(copy_strided(tensor_of(a, {4}, DType::float32), Tensor(b, {4}, DType::int32)),
               Error);
  Tensor bad = tensor_of(a, {2, 2}, DType::float32);
  bad.stride = {1};
  EXPECT_THROW(copy_strided(bad, Tensor(b, {2, 2}, DType::float32)), Error);
}

}  // namespace
}  // namespace gemel
