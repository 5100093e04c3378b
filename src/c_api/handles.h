// Handles: type, generation and slot in 64 bits, so that a null, freed or foreign handle is an
// error and never a wild address. Objects live in tables, one for each type, for as long as their
// handle; the tables live as long as the process.
//
// Different handles may be used by different threads at once. Freeing a handle while another thread
// uses it is the caller's error; it is found where it can be.
#pragma once
#include <atomic>
#include <cstdint>
#include <mutex>
#include <new>
#include <utility>
#include <vector>

#include "c_api/call.h"

namespace gemel::c_api {

enum class Kind : uint8_t {
  array = 1,
  symbol,
  executor,
  cached_op,
  store,
  iterator,
  record,
  predictor,
  array_list,
  profile,
  graph,
  op,
  iterator_creator,
  sparse_array
};

const char* name_of(Kind kind);

static_assert(sizeof(void*) == 8, "handles are 64 bits wide");

struct HandleParts {
  uint8_t kind;
  uint32_t generation;  // 24 bits
  uint32_t slot;
};

inline void* pack_handle(Kind kind, uint32_t generation, uint32_t slot) {
  const uint64_t bits =
      static_cast<uint64_t>(kind) << 56 | static_cast<uint64_t>(generation & 0xffffff) << 32 | slot;
  return reinterpret_cast<void*>(bits);
}

inline HandleParts unpack_handle(const void* handle) {
  const uint64_t bits = reinterpret_cast<uint64_t>(handle);
  return {static_cast<uint8_t>(bits >> 56), static_cast<uint32_t>(bits >> 32) & 0xffffff,
          static_cast<uint32_t>(bits)};
}

// Throws Error(Input) that says what is wrong with the handle.
[[noreturn]] void refuse_handle(Kind expected, const void* handle);

template <typename T, Kind kind>
class Table {
 public:
  // Never destroyed: handles may be freed by destructors that run at exit.
  static Table& instance() {
    static Table* table = new Table;
    return *table;
  }

  void* add(T value) {
    std::lock_guard lock(mutex_);
    if (free_.empty()) grow();
    const uint32_t index = free_.back();
    Slot& slot = this->slot(index);
    new (slot.storage) T(std::move(value));
    free_.pop_back();
    const uint32_t generation = slot.generation.load(std::memory_order_relaxed) + 1;  // odd: alive
    slot.generation.store(generation, std::memory_order_release);
    return pack_handle(kind, generation, index);
  }

  T& get(const void* handle) {
    const HandleParts parts = unpack_handle(handle);
    if (Slot* slot = find(parts)) return slot->value();
    refuse_handle(kind, handle);
  }

  void free(const void* handle) {
    const HandleParts parts = unpack_handle(handle);
    Slot* slot = nullptr;
    {
      std::lock_guard lock(mutex_);
      slot = find(parts);
      if (slot) slot->generation.fetch_add(1, std::memory_order_relaxed);
    }
    if (!slot) refuse_handle(kind, handle);
    slot->value().~T();  // may wait or call back: not under the lock
    std::lock_guard lock(mutex_);
    free_.push_back(parts.slot);
  }

 private:
  struct Slot {
    std::atomic<uint32_t> generation{0};
    alignas(T) unsigned char storage[sizeof(T)];
    T& value() { return *std::launder(reinterpret_cast<T*>(storage)); }
  };
  static constexpr uint32_t chunk_bits = 10, chunk_size = 1u << chunk_bits, max_chunks = 1u << 15;

  Slot& slot(uint32_t index) {
    return chunks_[index >> chunk_bits].load(std::memory_order_acquire)[index & (chunk_size - 1)];
  }

  Slot* find(const HandleParts& parts) {
    if (parts.kind != static_cast<uint8_t>(kind) || parts.slot >> chunk_bits >= max_chunks)
      return nullptr;
    Slot* chunk = chunks_[parts.slot >> chunk_bits].load(std::memory_order_acquire);
    if (!chunk) return nullptr;
    Slot& slot = chunk[parts.slot & (chunk_size - 1)];
    const uint32_t generation = slot.generation.load(std::memory_order_acquire);
    return (generation & 1) && (generation & 0xffffff) == parts.generation ? &slot : nullptr;
  }

  void grow() {
    if (chunk_count_ == max_chunks)
      fail(ErrorKind::Memory, "[{}] there are too many handles of this type", current_function);
    free_.reserve(free_.size() + chunk_size);
    Slot* chunk = new Slot[chunk_size];
    for (uint32_t i = chunk_size; i-- > 0;) free_.push_back(chunk_count_ * chunk_size + i);
    chunks_[chunk_count_++].store(chunk, std::memory_order_release);
  }

  std::mutex mutex_;
  std::vector<uint32_t> free_;
  uint32_t chunk_count_ = 0;
  std::atomic<Slot*> chunks_[max_chunks] = {};
};

}  // namespace gemel::c_api
