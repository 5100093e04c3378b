#include "c_api/sparse.h"

#include <unordered_map>

namespace gemel::c_api {
namespace {

// The storages are held; those that nobody else holds go when the next one is noted.
struct Notes {
  std::mutex mutex;
  std::unordered_map<const Storage*, std::pair<Ref<Storage>, StorageType>> list;
};

Notes& notes() {
  static auto& instance = *new Notes;
  return instance;
}

std::atomic<bool> anything_noted{false};

}  // namespace

SparseObject::SparseObject(SparseArray parts)
    : type_(parts.type),
      shape_(parts.shape),
      dtype_(parts.dtype()),
      device_(parts.device()),
      parts_(std::move(parts)) {}

SparseObject::SparseObject(StorageType type, const NDArray& shared)
    : type_(type),
      shape_(shared.shape()),
      dtype_(shared.dtype()),
      device_(shared.device()),
      dense_(shared),
      is_shared_(true) {}

SparseArray SparseObject::parts() {
  std::lock_guard lock(mutex_);
  return is_shared_ ? to_sparse(dense_, type_) : parts_;
}

NDArray& SparseObject::dense() {
  if (!dense_) dense_ = to_dense(parts_);
  return dense_;
}

NDArray SparseObject::values() {
  std::lock_guard lock(mutex_);
  return dense();
}

NDArray& SparseObject::shared() {
  std::lock_guard lock(mutex_);
  NDArray& values = dense();
  is_shared_ = true;
  parts_ = {};
  return values;
}

void SparseObject::assign(SparseArray parts) {
  GEMEL_CHECK(parts.type == type_ && parts.shape == shape_ && parts.dtype() == dtype_,
              "[{}] expected a {} array of shape {} and dtype {}, got {}, {}, {}", current_function,
              gemel::name_of(type_), shape_, gemel::name_of(dtype_), gemel::name_of(parts.type),
              parts.shape, gemel::name_of(parts.dtype()));
  std::lock_guard lock(mutex_);
  if (is_shared_) return to_dense(parts).copy_to(dense_);
  parts_ = std::move(parts);
  dense_ = {};
}

void SparseObject::assign(const NDArray& values) {
  GEMEL_CHECK(values.shape() == shape_ && values.dtype() == dtype_,
              "[{}] expected values of shape {} and dtype {}, got {}, {}", current_function, shape_,
              gemel::name_of(dtype_), values.shape(), gemel::name_of(values.dtype()));
  {
    std::lock_guard lock(mutex_);
    if (is_shared_) {
      if (values.storage() != dense_.storage()) values.copy_to(dense_);
      return;
    }
  }
  assign(to_sparse(values, type_));
}

void* new_sparse_handle(SparseArray parts) {
  return SparseArrays::instance().add(std::make_shared<SparseObject>(std::move(parts)));
}

void note_storage_type(const NDArray& dense, StorageType type) {
  std::lock_guard lock(notes().mutex);
  std::erase_if(notes().list, [](const auto& item) { return item.second.first->use_count() == 1; });
  notes().list[dense.storage().get()] = {dense.storage(), type};
  anything_noted = true;
}

StorageType noted_storage_type(const NDArray& dense) {
  if (!anything_noted || !dense) return StorageType::dense;
  std::lock_guard lock(notes().mutex);
  const auto found = notes().list.find(dense.storage().get());
  return found == notes().list.end() || !dense.covers_storage() ? StorageType::dense
                                                                : found->second.second;
}

}  // namespace gemel::c_api
