// Sparse arrays behind handles. Operators work on an object's dense values, which it makes on first
// need; callers ask for its parts, which follow from the dense values once these were written.
//
// Who keeps the dense values beyond a call (a gradient, an executor, a store) shares them: from
// then on the parts are made anew whenever they are asked for.
#pragma once
#include <memory>
#include <mutex>

#include "array/sparse.h"
#include "c_api/handles.h"

namespace gemel::c_api {

class SparseObject {
 public:
  explicit SparseObject(SparseArray parts);
  SparseObject(StorageType type, const NDArray& shared);  // on dense values that somebody has

  StorageType type() const { return type_; }
  const Shape& shape() const { return shape_; }
  DType dtype() const { return dtype_; }
  Device device() const { return device_; }

  SparseArray parts();             // waits
  NDArray values();                // the dense values, to read in this call
  NDArray& shared();               // the dense values, which the caller may keep and write
  void assign(SparseArray parts);  // of the same shape, dtype and type
  void assign(const NDArray& values);

 private:
  NDArray& dense();
  std::mutex mutex_;
  const StorageType type_;
  const Shape shape_;
  const DType dtype_;
  const Device device_;
  SparseArray parts_;
  NDArray dense_;
  bool is_shared_ = false;
};
using SparseArrays = Table<std::shared_ptr<SparseObject>, Kind::sparse_array>;

inline bool is_sparse(const void* handle) {
  return unpack_handle(handle).kind == static_cast<uint8_t>(Kind::sparse_array);
}
inline std::shared_ptr<SparseObject> sparse_of(const void* handle) {
  return SparseArrays::instance().get(handle);
}
void* new_sparse_handle(SparseArray parts);

// Gradients (and stored values) whose owner asked for sparse ones: an array that has been noted
// gets handles of that storage type wherever it is handed out.
void note_storage_type(const NDArray& dense, StorageType type);
StorageType noted_storage_type(const NDArray& dense);

}  // namespace gemel::c_api
