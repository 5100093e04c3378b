// Storage: one block of memory from a pool and the engine tag that orders its uses. The last
// reference may go on any thread. A task that uses the memory holds a reference.
//
// Calls may be held back (runtime/deferral.h). A storage knows how many such calls read and write
// it; asking for its tag, or for memory that was only promised, first has them pushed.
#pragma once
#include <atomic>
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
  // Without memory until provide(): the result of a call that is held back.
  static Ref<Storage> promise(int64_t bytes, Device device);
  void provide();  // throws Error(Memory)
  bool provided() const { return data_.load(std::memory_order_acquire) != nullptr; }
  // Borrowed memory; `release` runs once, when the last reference goes, on that thread. It must not
  // throw.
  static Ref<Storage> borrow(void* data, int64_t bytes, Device device,
                             std::function<void()> release);
  static void destroy(Storage* storage);

  std::byte* data() const {
    std::byte* data = data_.load(std::memory_order_acquire);
    return data ? data : late_data();
  }
  int64_t bytes() const { return bytes_; }
  // Somebody besides the engine's tasks may write the memory: it was borrowed, or its address was
  // given out. Nothing that was computed from its value may be taken for up to date any more.
  void expose() { exposed_.store(true, std::memory_order_release); }
  bool exposed() const { return exposed_.load(std::memory_order_acquire); }
  Device device() const { return device_; }
  engine::Tag& tag() const {
    if (held_.load(std::memory_order_acquire)) [[unlikely]]
      push_held(*this);
    return *tag_;
  }

  // For who holds calls back: the tag without asking, and the count of held uses.
  engine::Tag& bare_tag() const { return *tag_; }
  static constexpr uint32_t held_reader = 1, held_writer = uint32_t{1} << 16;
  uint32_t held() const { return held_.load(std::memory_order_acquire); }
  void hold(uint32_t uses) const { held_.fetch_add(uses, std::memory_order_relaxed); }
  void let_go(uint32_t uses) const { held_.fetch_sub(uses, std::memory_order_release); }
  // Pushes every held call that uses the storage; set once by who holds calls back.
  static void (*push_held)(const Storage&);

 private:
  template <typename T>
  friend class memory::Recycler;
  Storage() = default;
  ~Storage() = default;
  static Storage* make();
  std::byte* late_data() const;
  std::atomic<std::byte*> data_{nullptr};
  mutable std::atomic<uint32_t> held_{0};
  std::atomic<bool> exposed_{false};
  int64_t bytes_ = 0;
  Device device_;
  Ref<engine::Tag> tag_;
  memory::Block block_;
  std::function<void()> release_;
};

}  // namespace gemel
