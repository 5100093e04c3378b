// The memory for internal values of one executor, or of several that take turns (shared_exec).
#pragma once
#include <mutex>

#include "array/storage.h"

namespace gemel::runtime {

// Runs of one arena exclude each other through its storage's tag. What a forward pass keeps for its
// backward pass stays untouched until then: whoever else comes meanwhile uses memory of its own.
class SharedArena {
 public:
  // At least `bytes` for a run of `user`, null where another user's values are in the way. Waits
  // for the queued runs when it replaces the storage by a larger one.
  Ref<Storage> take(int64_t bytes, Device device, const void* user, bool keep);
  // Nothing that this user kept is needed any more.
  void release(const void* user);
  Ref<Storage> storage() const;  // null before the first run

 private:
  mutable std::mutex mutex_;
  Ref<Storage> storage_;
  const void* keeper_ = nullptr;
};

// Storage of at least `bytes` in place of `storage`; waits for the runs that use the old one.
void grow_arena(Ref<Storage>& storage, int64_t bytes, Device device);

}  // namespace gemel::runtime
