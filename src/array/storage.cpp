#include "array/storage.h"

#include "base/error.h"
#include "engine/engine.h"

namespace gemel {

void (*Storage::push_held)(const Storage&) = nullptr;

namespace {

// Nobody else knows the tag, and no task, failure or region is on it: as good as new.
bool reusable(const engine::Tag& tag) {
  return tag.use_count() == 1 && tag.word.load(std::memory_order_acquire) == 0 && !tag.parent();
}
}  // namespace

Storage* Storage::make() {
  Storage* storage = memory::Recycler<Storage>::take();
  if (!storage) storage = new Storage;
  if (!storage->tag_) storage->tag_ = engine::make_tag();
  return storage;
}

Ref<Storage> Storage::allocate(int64_t bytes, Device device) {
  Ref<Storage> storage = promise(bytes, device);
  storage->provide();
  return storage;
}

Ref<Storage> Storage::promise(int64_t bytes, Device device) {
  Ref<Storage> storage(make());
  storage->data_.store(nullptr, std::memory_order_relaxed);
  storage->exposed_.store(false, std::memory_order_relaxed);
  storage->bytes_ = bytes;
  storage->device_ = device;
  return storage;
}

void Storage::provide() {
  block_ = memory::allocate(bytes_, device_);
  data_.store(static_cast<std::byte*>(block_.data), std::memory_order_release);
}

std::byte* Storage::late_data() const {
  if (held()) push_held(*this);
  std::byte* data = data_.load(std::memory_order_acquire);
  if (!data && bytes_ > 0)
    fail(ErrorKind::Memory, "[ndarray] out of memory: {} bytes for a result that was held back",
         bytes_);
  return data;
}

Ref<Storage> Storage::borrow(void* data, int64_t bytes, Device device,
                             std::function<void()> release) {
  Ref<Storage> storage(make());
  storage->data_.store(static_cast<std::byte*>(data), std::memory_order_relaxed);
  storage->exposed_.store(true, std::memory_order_relaxed);
  storage->bytes_ = bytes;
  storage->device_ = device;
  storage->block_ = {};
  storage->release_ = std::move(release);
  return storage;
}

void Storage::destroy(Storage* storage) {
  if (storage->block_.data) memory::release(storage->block_, storage->device_);
  if (storage->release_) std::exchange(storage->release_, nullptr)();
  storage->block_ = {};
  if (!reusable(*storage->tag_)) storage->tag_ = nullptr;
  memory::Recycler<Storage>::give(storage);
}

}  // namespace gemel
