#include "array/sparse.h"

#include <gtest/gtest.h>

#include <numeric>

namespace gemel {
namespace {

NDArray floats(const Shape& shape, const std::vector<float>& values) {
  NDArray array(shape, DType::float32);
  array.copy_from_host(values.data(), array.bytes());
  return array;
}
NDArray indices(const std::vector<int64_t>& values) {
  NDArray array({static_cast<int64_t>(values.size())}, DType::int64);
  array.copy_from_host(values.data(), array.bytes());
  return array;
}
template <typename T>
std::vector<T> values(const NDArray& array) {
  std::vector<T> result(static_cast<size_t>(array.size()));
  array.copy_to_host(result.data(), array.bytes());
  return result;
}
const std::vector<float> matrix{0, 1, 0, 2, 0, 3, 0, 0, 0, 4, 0, 0};

TEST(Sparse, CsrStoresWhatIsNotZero) {
  const SparseArray csr = to_sparse(floats({4, 3}, matrix), StorageType::csr);
  EXPECT_EQ(values<float>(csr.data), (std::vector<float>{1, 2, 3, 4}));
  EXPECT_EQ(values<int64_t>(csr.indices), (std::vector<int64_t>{1, 0, 2, 0}));
  EXPECT_EQ(values<int64_t>(csr.indptr), (std::vector<int64_t>{0, 1, 3, 3, 4}));
  EXPECT_EQ(values<float>(to_dense(csr)), matrix);
  check_format(csr, true);
}

TEST(Sparse, RowSparseStoresRows) {
  const SparseArray rows = to_sparse(floats({4, 3}, matrix), StorageType::row_sparse);
  EXPECT_EQ(values<int64_t>(rows.indices), (std::vector<int64_t>{0, 1, 3}));
  EXPECT_EQ(rows.data.shape(), (Shape{3, 3}));
  EXPECT_EQ(values<float>(to_dense(rows)), matrix);
  check_format(rows, true);
}

TEST(Sparse, EveryTypeGoesThereAndBack) {
  for (int flag = 0; is_valid_dtype_flag(flag); ++flag) {
    NDArray dense({3, 2}, static_cast<DType>(flag));
    std::vector<uint8_t> bytes(static_cast<size_t>(dense.bytes()), 0);
    bytes[static_cast<size_t>(size_of(dense.dtype()) * 2)] = 1;
    dense.copy_from_host(bytes.data(), dense.bytes());
    for (const auto type : {StorageType::csr, StorageType::row_sparse}) {
      const NDArray back = to_dense(to_sparse(dense, type));
      std::vector<uint8_t> found(bytes.size());
      back.copy_to_host(found.data(), back.bytes());
      EXPECT_EQ(found, bytes) << flag;
    }
  }
}

TEST(Sparse, ZerosStoreNothing) {
  for (const auto type : {StorageType::csr, StorageType::row_sparse}) {
    const SparseArray zeros = sparse_zeros(type, {2, 3}, DType::int32);
    EXPECT_EQ(zeros.data.size(), 0);
    EXPECT_EQ(values<int32_t>(to_dense(zeros)), std::vector<int32_t>(6, 0));
    EXPECT_EQ(storage_type_from_name(name_of(type)), type);
  }
  EXPECT_THROW(sparse_zeros(StorageType::csr, {2}, DType::int32), Error);
  EXPECT_THROW(to_sparse(floats({2}, {1, 2}), StorageType::csr), Error);
  EXPECT_THROW(storage_type_from_name("foo"), Error);
}

TEST(Sparse, WrongPartsAreErrors) {
  const NDArray two = floats({2}, {1, 2});
  const auto csr = [&](const std::vector<int64_t>& columns, const std::vector<int64_t>& rows) {
    return SparseArray{StorageType::csr, {2, 2}, two, indices(columns), indices(rows)};
  };
  check_format(csr({0, 1}, {0, 1, 2}), true);
  EXPECT_THROW(check_format(csr({0, 9}, {0, 1, 2}), true), Error);
  EXPECT_THROW(to_dense(csr({0, 9}, {0, 1, 2})), Error);
  EXPECT_THROW(check_format(csr({0, 1}, {0, 2, 1}), false), Error);
  EXPECT_THROW(check_format(csr({1, 0}, {0, 2, 2}), true), Error);
  EXPECT_THROW(to_dense(csr({0, 1}, {0, 3, 2})), Error);
  EXPECT_THROW(check_parts(csr({0}, {0, 1, 2})), Error);
  EXPECT_THROW(check_parts(csr({0, 1}, {0, 1})), Error);
  EXPECT_THROW(check_parts(SparseArray{}), Error);
  const SparseArray rows{StorageType::row_sparse, {3}, two, indices({0, 5}), {}};
  EXPECT_THROW(check_format(rows, true), Error);
  EXPECT_THROW(to_dense(rows), Error);
}

}  // namespace
}  // namespace gemel
