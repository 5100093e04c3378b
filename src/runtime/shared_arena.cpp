#include "runtime/shared_arena.h"

#include "engine/engine.h"
#include "memory/pool.h"

namespace gemel::runtime {

void grow_arena(Ref<Storage>& storage, int64_t bytes, Device device) {
  if (storage && storage->bytes() >= bytes) return;
  if (storage) try {
      engine::wait_for_write(storage->tag());
    } catch (...) {
      // The failure reaches the readers of the outputs.
    }
  memory::OwnerScope scope(memory::Owner::plan);
  storage = Storage::allocate(bytes, device);
}

Ref<Storage> SharedArena::take(int64_t bytes, Device device, const void* user, bool keep) {
  Ref<Storage> found;
  {
    const std::lock_guard lock(mutex_);
    if (keeper_ && keeper_ != user) return {};
    if (keep) keeper_ = user;
    found = storage_;
  }
  if (found && found->bytes() >= bytes) return found;
  grow_arena(found, bytes, device);  // without the lock: queued runs may hold an executor's end
  const std::lock_guard lock(mutex_);
  if (!storage_ || storage_->bytes() < bytes) storage_ = found;
  return storage_;
}

void SharedArena::release(const void* user) {
  const std::lock_guard lock(mutex_);
  if (keeper_ == user) keeper_ = nullptr;
}

Ref<Storage> SharedArena::storage() const {
  const std::lock_guard lock(mutex_);
  return storage_;
}

}  // namespace gemel::runtime
