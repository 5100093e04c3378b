#include "array/sparse.h"

#include <cstring>

#include "array/convert.h"

namespace gemel {
namespace {

void check_index_array(const NDArray& array, const char* what, int64_t length) {
  GEMEL_CHECK(array && array.shape().ndim() == 1 &&
                  (array.dtype() == DType::int64 || array.dtype() == DType::int32),
              "[sparse] expected {} as one axis of int64", what);
  GEMEL_CHECK(length < 0 || array.size() == length, "[sparse] expected {} {}, got {}", length, what,
              array.size());
}

std::vector<int64_t> integers(const NDArray& array) {
  array.wait_to_read();
  std::vector<int64_t> values(static_cast<size_t>(array.size()));
  convert(array.tensor(), Tensor(values.data(), array.shape(), DType::int64));
  return values;
}

NDArray index_array(const std::vector<int64_t>& values, Device device) {
  NDArray array({static_cast<int64_t>(values.size())}, DType::int64, device);
  array.copy_from_host(values.data(), array.bytes());
  return array;
}

// Whether each of the `count` elements is something else than zero.
std::vector<uint8_t> stored(const NDArray& dense) {
  std::vector<uint8_t> flags(static_cast<size_t>(dense.size()));
  static_assert(sizeof(bool) == 1);
  convert(dense.tensor(), Tensor(flags.data(), dense.shape(), DType::boolean));
  return flags;
}

NDArray gathered(const NDArray& dense, const std::vector<int64_t>& places, Shape shape,
                 int64_t bytes) {
  NDArray data(shape, dense.dtype(), dense.device());
  data.wait_to_write();
  std::byte* to = data.data<std::byte>();
  for (const int64_t place : places) {
    std::memcpy(to, dense.data<std::byte>() + place * bytes, static_cast<size_t>(bytes));
    to += bytes;
  }
  return data;
}

int64_t row_elements(const Shape& shape) { return shape.size(1, shape.ndim()); }

SparseArray rows_of(const NDArray& dense) {
  const int64_t row = row_elements(dense.shape());
  const std::vector<uint8_t> flags = stored(dense);
  std::vector<int64_t> rows;
  for (int64_t r = 0; r < dense.shape()[0]; ++r) {
    const auto* first = flags.data() + r * row;
    if (row && std::memchr(first, 1, static_cast<size_t>(row))) rows.push_back(r);
  }
  Shape shape = dense.shape();
  shape[0] = static_cast<int64_t>(rows.size());
  return {StorageType::row_sparse,
          dense.shape(),
          gathered(dense, rows, shape, row * size_of(dense.dtype())),
          index_array(rows, dense.device()),
          {}};
}

SparseArray csr_of(const NDArray& dense) {
  GEMEL_CHECK(dense.shape().ndim() == 2,
              "To convert to a CSR, the NDArray should be 2 Dimensional. Current shape is {}",
              dense.shape());
  const int64_t columns = dense.shape()[1];
  const std::vector<uint8_t> flags = stored(dense);
  std::vector<int64_t> places, indices, indptr{0};
  for (int64_t r = 0; r < dense.shape()[0]; ++r) {
    for (int64_t c = 0; c < columns; ++c)
      if (flags[static_cast<size_t>(r * columns + c)]) {
        places.push_back(r * columns + c);
        indices.push_back(c);
      }
    indptr.push_back(static_cast<int64_t>(indices.size()));
  }
  return {StorageType::csr, dense.shape(),
          gathered(dense, places, {static_cast<int64_t>(places.size())}, size_of(dense.dtype())),
          index_array(indices, dense.device()), index_array(indptr, dense.device())};
}

void check_inside(int64_t index, int64_t limit) {
  if (index < 0 || index >= limit)
    fail(ErrorKind::Index, "[sparse] index {} lies outside of an axis of length {}", index, limit);
}

}  // namespace

std::string_view name_of(StorageType type) {
  switch (type) {
    case StorageType::dense:
      return "default";
    case StorageType::row_sparse:
      return "row_sparse";
    case StorageType::csr:
      return "csr";
    default:
      return "undefined";
  }
}

StorageType storage_type_from_name(std::string_view name) {
  for (const auto type : {StorageType::dense, StorageType::row_sparse, StorageType::csr})
    if (name_of(type) == name) return type;
  fail(ErrorKind::Input, "expected one of {{'csr', 'default', 'row_sparse'}}, got '{}'", name);
}

void check_parts(const SparseArray& array) {
  GEMEL_CHECK(array && array.data, "[sparse] expected a sparse array with its parts");
  const Shape& shape = array.shape;
  if (array.type == StorageType::csr) {
    GEMEL_CHECK(shape.ndim() == 2, "[sparse] expected two axes for csr, got shape {}", shape);
    GEMEL_CHECK(array.data.shape().ndim() == 1, "[sparse] expected csr data of one axis, got {}",
                array.data.shape());
    check_index_array(array.indptr, "indptr", shape[0] + 1);
  } else {
    GEMEL_CHECK(shape.ndim() > 0 && array.data.shape().ndim() == shape.ndim(),
                "[sparse] expected data of {} axes for shape {}, got {}", shape.ndim(), shape,
                array.data.shape());
    for (int i = 1; i < shape.ndim(); ++i)
      GEMEL_CHECK(array.data.shape()[i] == shape[i], "[sparse] data of shape {} are no rows of {}",
                  array.data.shape(), shape);
  }
  check_index_array(array.indices, "indices", array.data.shape()[0]);
}

void check_format(const SparseArray& array, bool full) {
  check_parts(array);
  const bool csr = array.type == StorageType::csr;
  const std::vector<int64_t> indices = integers(array.indices);
  std::vector<int64_t> bounds{0, static_cast<int64_t>(indices.size())};
  if (csr) {
    bounds = integers(array.indptr);
    bool valid = bounds[0] == 0 && bounds.back() == static_cast<int64_t>(indices.size());
    for (size_t i = 1; i < bounds.size(); ++i) valid &= bounds[i] >= bounds[i - 1];
    GEMEL_CHECK(valid,
                "IndPtr of csr NDArray should be non-negative, in non-decreasing order, start with "
                "0, and end with value no less than the size of indices");
  }
  if (!full) return;
  const int64_t limit = array.shape[csr ? 1 : 0];
  for (size_t row = 0; row + 1 < bounds.size(); ++row)
    for (int64_t k = bounds[row]; k < bounds[row + 1]; ++k) {
      const int64_t index = indices[static_cast<size_t>(k)];
      const bool ascends = k == bounds[row] || index > indices[static_cast<size_t>(k - 1)];
      GEMEL_CHECK(index >= 0 && index < limit && ascends,
                  "Indices of {} NDArray should be non-negative, less than {} and in ascending "
                  "order, got {}",
                  name_of(array.type), limit, index);
    }
}

SparseArray sparse_zeros(StorageType type, const Shape& shape, DType dtype, Device device) {
  const bool csr = type == StorageType::csr;
  GEMEL_CHECK(csr ? shape.ndim() == 2 : shape.ndim() > 0, "[zeros] no {} array has the shape {}",
              name_of(type), shape);
  Shape data = csr ? Shape{0} : shape;
  data[0] = 0;
  SparseArray array{type, shape, NDArray(data, dtype, device), index_array({}, device), {}};
  if (csr)
    array.indptr = index_array(std::vector<int64_t>(static_cast<size_t>(shape[0] + 1), 0), device);
  return array;
}

SparseArray to_sparse(const NDArray& dense, StorageType type) {
  GEMEL_CHECK(dense && dense.shape().ndim() > 0, "[cast_storage] expected an array with axes");
  dense.wait_to_read();
  if (type == StorageType::csr) return csr_of(dense);
  GEMEL_CHECK(type == StorageType::row_sparse, "[cast_storage] expected csr or row_sparse");
  return rows_of(dense);
}

NDArray to_dense(const SparseArray& array) {
  check_parts(array);
  const std::vector<int64_t> indices = integers(array.indices);
  array.data.wait_to_read();
  NDArray dense(array.shape, array.dtype(), array.device());
  dense.wait_to_write();
  std::byte* to = dense.data<std::byte>();
  const std::byte* from = array.data.data<std::byte>();
  if (dense.bytes()) std::memset(to, 0, static_cast<size_t>(dense.bytes()));
  const int64_t width = size_of(array.dtype());
  if (array.type == StorageType::row_sparse) {
    const int64_t bytes = row_elements(array.shape) * width;
    for (size_t k = 0; k < indices.size(); ++k) {
      check_inside(indices[k], array.shape[0]);
      if (bytes)
        std::memcpy(to + indices[k] * bytes, from + static_cast<int64_t>(k) * bytes,
                    static_cast<size_t>(bytes));
    }
    return dense;
  }
  check_format(array, false);
  const std::vector<int64_t> indptr = integers(array.indptr);
  const int64_t columns = array.shape[1];
  for (int64_t row = 0; row < array.shape[0]; ++row)
    for (int64_t k = indptr[static_cast<size_t>(row)]; k < indptr[static_cast<size_t>(row + 1)];
         ++k) {
      const int64_t column = indices[static_cast<size_t>(k)];
      check_inside(column, columns);
      std::memcpy(to + (row * columns + column) * width, from + k * width,
                  static_cast<size_t>(width));
    }
  return dense;
}

}  // namespace gemel
