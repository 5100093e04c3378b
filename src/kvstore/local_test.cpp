#include "kvstore/local.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gemel::kvstore {
namespace {

NDArray filled(std::vector<float> values) {
  NDArray array({static_cast<int64_t>(values.size())}, DType::float32);
  array.copy_from_host(values.data(), array.bytes());
  return array;
}

std::vector<float> values_of(const NDArray& array) {
  std::vector<float> values(array.size());
  array.copy_to_host(values.data(), array.bytes());
  return values;
}

std::vector<float> pulled(LocalStore& store, const Key& key, int64_t size) {
  NDArray target({size}, DType::float32);
  store.pull(std::span(&key, 1), std::span(&target, 1));
  return values_of(target);
}

TEST(LocalStore, PushStoresTheSumOverDevices) {
  LocalStore store("local");
  store.init(3, filled({1, 1}));
  const Key keys[] = {3, 3, 3};
  const NDArray values[] = {filled({1, 2}), filled({10, 20}), filled({100, 200})};
  store.push(keys, values);
  EXPECT_THAT(pulled(store, 3, 2), testing::ElementsAre(111, 222));
}

TEST(LocalStore, TheStoredValueIsACopy) {
  LocalStore store("device");
  NDArray value = filled({5});
  store.init("w", value);
  const float other = 7;
  value.copy_from_host(&other, 4);
  EXPECT_THAT(pulled(store, "w", 1), testing::ElementsAre(5));
}

TEST(LocalStore, AnUpdaterGetsSumAndStoredArray) {
  LocalStore store("local");
  store.init("w", filled({1}));
  std::string seen;
  store.set_updater([&](const Key& key, const NDArray& received, const NDArray& stored) {
    seen = to_string(key);
    NDArray target = stored;
    const float next = values_of(stored)[0] - 0.5f * values_of(received)[0];
    target.copy_from_host(&next, 4);
  });
  const Key keys[] = {"w", "w"};
  const NDArray values[] = {filled({2}), filled({4})};
  store.push(keys, values);
  EXPECT_EQ(seen, "w");
  EXPECT_THAT(pulled(store, "w", 1), testing::ElementsAre(-2));
}

TEST(LocalStore, ErrorsNameTheKey) {
  LocalStore store("local");
  store.init("a", filled({1}));
  EXPECT_THROW(store.init("a", filled({1})), Error);
  EXPECT_THROW(store.init(1, filled({1})), Error);
  const Key missing("b");
  const NDArray value = filled({1});
  try {
    store.push(std::span(&missing, 1), std::span(&value, 1));
    FAIL() << "expected an error";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("key b has not been inited"));
  }
  const Key known("a");
  const NDArray wrong = filled({1, 2});
  EXPECT_THROW(store.push(std::span(&known, 1), std::span(&wrong, 1)), Error);
  EXPECT_THROW(store.pull(std::span(&known, 1), std::span(&wrong, 1)), Error);
  EXPECT_THROW(LocalStore("nowhere"), Error);
}

TEST(LocalStore, RowsOfARowSparseValue) {
  LocalStore store("local");
  NDArray value({3, 2}, DType::float32);
  const float elements[] = {1, 2, 3, 4, 5, 6};
  value.copy_from_host(elements, value.bytes());
  store.init("rows", value, StorageType::row_sparse);
  store.init("dense", value);
  EXPECT_EQ(store.storage_type("rows"), StorageType::row_sparse);
  const SparseArray rows = store.pull_rows("rows", filled({2, 0, 2}));
  EXPECT_EQ(rows.shape, (Shape{3, 2}));
  EXPECT_THAT(values_of(rows.data), testing::ElementsAre(1, 2, 5, 6));
  EXPECT_THAT(values_of(to_dense(rows)), testing::ElementsAre(1, 2, 0, 0, 5, 6));
  EXPECT_EQ(store.pull_rows("rows", NDArray({0}, DType::int64)).indices.size(), 0);
  EXPECT_THROW(store.pull_rows("rows", filled({3})), Error);
  EXPECT_THROW(store.pull_rows("dense", filled({0})), Error);
}

}  // namespace
}  // namespace gemel::kvstore
