// Storage: one block of memory from a pool and the engine tag that orders its uses. The last
// reference may go on any thread. A task that uses the memory holds a reference.
#pragma once
#include <cstddef>
#include <functional>

#include "base/intrusive.h"
#include "device/device.h"
#include "engine/tag.h"
#include "memory/pool.h"
#include "memory/recycler.h"

namespace gemel {

class GEMEL_EXPORT Storage : public Counted<Storage> {
 public:
  // From the pool, counted to the thread's current memory::Owner. Zero bytes are allowed.
  static Ref<Storage> allocate(int64_t bytes, Device device);
  // Borrowed memory; `release` runs once, when the last reference goes, on that thread. It must not
  // throw.
  static Ref<Storage> borrow(void* data, int64_t bytes, Device device,
                             std::function<void()> release);
  static void destroy(Storage* storage);

  std::byte* data() const { return data_; }
  int64_t bytes() const { return bytes_; }
  Device device() const { return device_; }
  engine::Tag& tag() const { return *tag_; }
  const Ref<engine::Tag>& tag_ref() const { return tag_; }

 private:
  template <typename T>
  friend class memory::Recycler;
  Storage() = default;
  ~Storage() = default;
  static Storage* make();
  std::byte* data_ = nullptr;
  int64_t bytes_ = 0;
  Device device_;
  Ref<engine::Tag> tag_;
  memory::Block block_;
  std::function<void()> release_;
};

}  // namespace gemel
