// Sparse arrays: a shape, and the dense arrays that hold what is stored of it.
//
//   row_sparse  data[i] is the row indices[i]; rows that are not named are zero
//   csr         two axes; row i has the values data[indptr[i] .. indptr[i + 1]] at the columns
//               indices[same range]
//
// Indices are int64 (int32 is accepted). The parts are ordinary arrays with tags of their own. What
// converts between forms waits for them and computes on the caller's thread.
#pragma once
#include <string_view>

#include "array/ndarray.h"
#include "base/export.h"

namespace gemel {

// The numbers are MXNet's, as written in files and passed over the C ABI.
enum class StorageType : int32_t { undefined = -1, dense = 0, row_sparse = 1, csr = 2 };

GEMEL_EXPORT std::string_view name_of(StorageType type);  // "default", "row_sparse", "csr"
GEMEL_EXPORT StorageType storage_type_from_name(std::string_view name);  // throws Error(Input)

struct SparseArray {
  StorageType type = StorageType::undefined;
  Shape shape;
  NDArray data, indices;
  NDArray indptr;  // csr only

  DType dtype() const { return data.dtype(); }
  Device device() const { return data.device(); }
  explicit operator bool() const { return type != StorageType::undefined; }
};

// Throws Error(Input) unless the shapes and dtypes of the parts belong together.
GEMEL_EXPORT void check_parts(const SparseArray& array);
// And with `full` unless every index lies inside, rows are in order and columns ascend. Waits.
GEMEL_EXPORT void check_format(const SparseArray& array, bool full);

// Nothing stored: all zero.
GEMEL_EXPORT SparseArray sparse_zeros(StorageType type, const Shape& shape, DType dtype,
                                      Device device = {});
// Stores what is not zero (row_sparse: rows in which something is not).
GEMEL_EXPORT SparseArray to_sparse(const NDArray& dense, StorageType type);
// Indices outside are an Error(Index).
GEMEL_EXPORT NDArray to_dense(const SparseArray& array);

}  // namespace gemel
