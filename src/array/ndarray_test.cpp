#include "array/ndarray.h"

#include <gtest/gtest.h>

#include <numeric>
#include <thread>

namespace gemel {
namespace {

NDArray counting(const Shape& shape) {
  NDArray array(shape, DType::float32);
  std::vector<float> values(static_cast<size_t>(array.size()));
  std::iota(values.begin(), values.end(), 0.0f);
  array.copy_from_host(values.data(), array.bytes());
  return array;
}

std::vector<float> values_of(const NDArray& array) {
  std::vector<float> values(static_cast<size_t>(array.size()));
  array.copy_to_host(values.data(), array.bytes());
  return values;
}

void poison(const NDArray& array) {
  engine::Tag* tags[] = {&array.tag()};
  engine::push([] { fail(ErrorKind::Input, "[test] no value"); },
               {.writes = tags, .name = "poison"});
}

int64_t bytes_in_use() {
  for (const auto& row : memory::statistics())
    if (row.owner == "total") return row.current;
  return -1;
}

TEST(Storage, FreesItsMemoryWithTheLastReference) {
  const int64_t before = bytes_in_use();
  {
    NDArray array({1000}, DType::float64);
    const NDArray view = array.slice(10, 20);
    array = NDArray();
    EXPECT_EQ(bytes_in_use(), before + 8000);
    EXPECT_EQ(view.storage()->bytes(), 8000);
  }
  EXPECT_EQ(bytes_in_use(), before);
}

TEST(Storage, BorrowedMemoryIsReleasedOnce) {
  int released = 0;
  float values[] = {1, 2, 3};
  {
    const NDArray array(Storage::borrow(values, sizeof(values), {}, [&] { ++released; }), 0, {3},
                        DType::float32);
    const NDArray other = array;
    EXPECT_EQ(values_of(other)[2], 3);
    EXPECT_EQ(other.data<float>(), values);
    EXPECT_EQ(released, 0);
  }
  EXPECT_EQ(released, 1);
  const NDArray next({3}, DType::float32);  // a recycled Storage remembers nothing
  EXPECT_NE(next.data<float>(), values);
}

TEST(Storage, DiesOnAnyThread) {
  const int64_t before = bytes_in_use();
  for (int round = 0; round < 20; ++round) {
    std::vector<NDArray> arrays;
    for (int i = 0; i < 200; ++i) arrays.push_back(counting({1 + i}));
    std::thread([moved = std::move(arrays)]() mutable { moved.clear(); }).join();
  }
  EXPECT_EQ(bytes_in_use(), before);
}

TEST(Storage, RecycledStorageIsHealthy) {
  for (int i = 0; i < 50; ++i) {
    NDArray bad({4}, DType::float32);
    poison(bad);
    EXPECT_THROW(bad.wait_to_read(), Error);
    bad = NDArray();
    const NDArray next({4}, DType::float32);
    EXPECT_NO_THROW(next.wait_to_read());
  }
  EXPECT_THROW(
      {
        NDArray bad({4}, DType::float32);
        poison(bad);
        engine::wait_all();
        bad.wait_to_read();
      },
      Error);
}

TEST(NDArray, NoneIsFalse) {
  const NDArray none;
  EXPECT_FALSE(none);
  EXPECT_FALSE(none.copy(Device{}));
}

TEST(NDArray, HostCopiesRoundTrip) {
  const NDArray array = counting({2, 3});
  EXPECT_EQ(array.bytes(), 24);
  EXPECT_EQ(values_of(array), (std::vector<float>{0, 1, 2, 3, 4, 5}));
  NDArray target({2, 3}, DType::float32);
  float wrong[5] = {};
  EXPECT_THROW(target.copy_from_host(wrong, sizeof(wrong)), Error);
  EXPECT_THROW(target.copy_to_host(wrong, sizeof(wrong)), Error);
}

TEST(NDArray, ViewsShareMemory) {
  const NDArray array = counting({4, 3});
  NDArray rows = array.slice(1, 3);
  EXPECT_EQ(rows.shape(), (Shape{2, 3}));
  EXPECT_EQ(values_of(rows), (std::vector<float>{3, 4, 5, 6, 7, 8}));
  EXPECT_EQ(values_of(array.at(3)), (std::vector<float>{9, 10, 11}));
  EXPECT_EQ(array.at(3).at(1).shape(), Shape());
  EXPECT_EQ(values_of(array.at(3).at(1)), (std::vector<float>{10}));
  EXPECT_EQ(values_of(rows.view(2, {2, 1})), (std::vector<float>{5, 6}));
  const float nine[] = {9, 9, 9, 9, 9, 9};
  rows.reshape({6}).copy_from_host(nine, sizeof(nine));
  EXPECT_EQ(values_of(array), (std::vector<float>{0, 1, 2, 9, 9, 9, 9, 9, 9, 9, 10, 11}));
  EXPECT_EQ(&rows.tag(), &array.tag());
  EXPECT_EQ(array.slice(2, 2).size(), 0);
}

TEST(NDArray, HistoryTravelsWithTheHandleOnly) {
  NDArray array = counting({4});
  array.set_history(make_ref<History>());
  const NDArray handle = array;
  EXPECT_TRUE(handle.history() == array.history());
  for (const NDArray& view :
       {array.reshape({2, 2}), array.slice(0, 4), array.at(0), array.view(0, {4}), array.copy()})
    EXPECT_FALSE(view.history());
}

TEST(NDArray, RefusesWhatDoesNotFit) {
  const NDArray array = counting({4, 3});
  EXPECT_THROW(array.reshape({5}), Error);
  EXPECT_THROW(array.reshape({-1, 3}), Error);
  EXPECT_THROW(array.slice(-1, 2), Error);
  EXPECT_THROW(array.slice(3, 2), Error);
  EXPECT_THROW(array.slice(0, 5), Error);
  EXPECT_THROW(array.at(4), Error);
  EXPECT_THROW(array.at(3).at(0).at(0), Error);
  EXPECT_THROW(array.view(7, {6}), Error);
  EXPECT_THROW(array.view(-1, {1}), Error);
  EXPECT_THROW(NDArray(array.storage(), 4, {12}, DType::float32), Error);
  EXPECT_THROW(NDArray(array.storage(), -4, {1}, DType::float32), Error);
  EXPECT_NO_THROW(NDArray(array.storage(), 4, {11}, DType::float32));
  EXPECT_THROW(NDArray({3, -1}, DType::float32), Error);
  EXPECT_THROW(NDArray(Shape::unknown(), DType::float32), Error);
  EXPECT_THROW(NDArray({3}, DType::none), Error);
  EXPECT_THROW(NDArray({int64_t{1} << 40, int64_t{1} << 40}, DType::float32), Error);
  EXPECT_THROW(NDArray({int64_t{1} << 46}, DType::float32), Error);
}

TEST(NDArray, EmptyArraysAndScalars) {
  const NDArray empty({0, int64_t{1} << 62, 8}, DType::float32);
  EXPECT_EQ(empty.bytes(), 0);
  EXPECT_TRUE(values_of(empty.copy()).empty());
  EXPECT_EQ(counting(Shape()).size(), 1);
}

TEST(NDArray, CopiesSmallAndLarge) {
  for (const int64_t size : {1, 1000, 100000}) {
    const NDArray source = counting({size});
    const NDArray copy = source.copy();
    EXPECT_NE(copy.data<float>(), source.data<float>());
    EXPECT_EQ(values_of(copy), values_of(source));
  }
  const NDArray a = counting({3});
  EXPECT_THROW(a.copy_to(NDArray({4}, DType::float32)), Error);
  EXPECT_THROW(a.copy_to(NDArray({3}, DType::float64)), Error);
  EXPECT_THROW(a.copy_to(NDArray()), Error);
}

TEST(NDArray, CopiesBetweenOverlappingViews) {
  const NDArray array = counting({6});
  array.slice(0, 5).copy_to(array.slice(1, 6));
  EXPECT_EQ(values_of(array), (std::vector<float>{0, 0, 1, 2, 3, 4}));
}

TEST(NDArray, ErrorsTravelWithCopies) {
  const NDArray bad({4}, DType::float32);
  poison(bad);
  EXPECT_THROW(values_of(bad.copy()), Error);
  EXPECT_THROW(values_of(bad.slice(0, 2)), Error);
}

TEST(NDArray, OnlyACompleteWriteHeals) {
  NDArray array({4}, DType::float32);
  poison(array);
  const float values[] = {1, 2, 3, 4};
  EXPECT_THROW(array.slice(0, 2).copy_from_host(values, 8), Error);
  EXPECT_THROW(array.wait_to_read(), Error);
  array.copy_from_host(values, 16);
  EXPECT_EQ(values_of(array)[3], 4);

  poison(array);
  counting({2}).copy_to(array.slice(0, 2));
  EXPECT_THROW(array.wait_to_read(), Error);
  counting({4}).copy_to(array);
  EXPECT_EQ(values_of(array)[3], 3);
}

TEST(NDArray, MoreThanTwoToTheThirtyOneElements) {
  const int64_t size = (int64_t{1} << 31) + 16;
  const NDArray array({size}, DType::uint8);  // pages that are not touched cost nothing
  EXPECT_EQ(array.size(), size);
  NDArray last = array.slice(size - 4, size);
  EXPECT_EQ(last.data<uint8_t>() - array.data<uint8_t>(), size - 4);
  const uint8_t values[] = {1, 2, 3, 4};
  last.copy_from_host(values, 4);
  uint8_t got[4];
  array.reshape({size / 16, 16}).at(size / 16 - 1).view(12, {4}).copy_to_host(got, 4);
  EXPECT_EQ(got[3], 4);
}

}  // namespace
}  // namespace gemel
