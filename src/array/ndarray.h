// NDArray: a typed view of shared storage, and waiting. No arithmetic here.
// Copying an NDArray copies the view; views share storage, its engine tag and its bytes.
#pragma once
#include <memory>
#include <optional>
#include <vector>

#include "array/history.h"
#include "array/storage.h"
#include "array/tensor.h"
#include "base/dtype.h"
#include "base/export.h"
#include "base/shape.h"
#include "device/device.h"
#include "engine/engine.h"

namespace gemel {

class GEMEL_EXPORT NDArray {
 public:
  NDArray() = default;  // the "none" array: no storage
  // Uninitialised memory from the pool.
  NDArray(const Shape& shape, DType dtype, Device device = {});
  // A contiguous view of `storage` from byte `offset`, which must lie inside it.
  NDArray(Ref<Storage> storage, int64_t offset, const Shape& shape, DType dtype);

  explicit operator bool() const { return static_cast<bool>(storage_); }
  const Shape& shape() const { return shape_; }
  DType dtype() const { return dtype_; }
  Device device() const { return storage_->device(); }
  int64_t size() const { return shape_.size(); }
  int64_t bytes() const { return size() * size_of(dtype_); }
  int64_t offset() const { return offset_; }
  const Ref<Storage>& storage() const { return storage_; }
  // All of the storage: writing it heals a failed array. Who writes a part keeps the rest, so it
  // must name the tag as read too.
  bool covers_storage() const { return offset_ == 0 && bytes() == storage_->bytes(); }
  engine::Tag& tag() const { return storage_->tag(); }

  // The raw view for kernels. Only inside a task that holds the tag, or after a wait.
  Tensor tensor() const {
    return Tensor(storage_->data() + offset_, shape_, dtype_, storage_->device());
  }
  template <typename T>
  T* data() const {
    return reinterpret_cast<T*>(storage_->data() + offset_);
  }

  // Views that share memory (all contiguous).
  NDArray reshape(const Shape& shape) const;        // equal sizes
  NDArray slice(int64_t begin, int64_t end) const;  // along axis 0
  NDArray at(int64_t index) const;                  // axis 0 dropped
  NDArray view(int64_t element_offset, const Shape& shape) const;

  const Ref<History>& history() const { return history_; }
  void set_history(Ref<History> history) { history_ = std::move(history); }

  void wait_to_read() const { engine::wait_for_read(tag()); }
  void wait_to_write() const { engine::wait_for_write(tag()); }

  // Copies between host memory and this array. Waits; contiguous; `bytes` must match. Writing the
  // whole storage heals a failed array; otherwise its error is thrown.
  void copy_from_host(const void* data, int64_t bytes);
  void copy_to_host(void* data, int64_t bytes) const;
  // Pushes a copy of this array's elements into `target` (equal shape and dtype, any devices).
  void copy_to(const NDArray& target, int priority = 0) const;
  NDArray copy(Device device) const;
  NDArray copy() const { return copy(device()); }

  // Bytes of `shape`; throws where a size is unknown or they exceed 2^47.
  static int64_t checked_bytes(const Shape& shape, DType dtype);

 private:
  Ref<Storage> storage_;
  int64_t offset_ = 0;  // bytes
  DType dtype_ = DType::float32;
  Shape shape_ = Shape::unknown();
  Ref<History> history_;
};

}  // namespace gemel
