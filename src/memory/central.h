// The part of the pool that threads share: free lists, the system's memory and the statistics.
// Every public function takes the one lock; a thread's own cache (pool.cpp) keeps small blocks off
// it.
#pragma once
#include <array>
#include <atomic>
#include <cstddef>
#include <mutex>
#include <vector>

#include "memory/pool.h"
#include "memory/size_class.h"

namespace gemel::memory {

// Free blocks linked through their first bytes.
struct FreeList {
  void* head = nullptr;
  int count = 0;

  void push(void* block) {
    *static_cast<void**>(block) = head;
    head = block;
    ++count;
  }
  void* pop() {
    void* block = head;
    head = *static_cast<void**>(block);
    --count;
    return block;
  }
};

// One thread's small free blocks, and its part of the statistics that is not in Central yet. Only
// its thread writes it; the counters are atomic because statistics() reads them.
struct ThreadCache {
  std::array<FreeList, small_classes> lists;
  std::array<std::atomic<int64_t>, owner_count> unsettled{};
  std::array<std::atomic<int64_t>, owner_count> allocations{};
};

class Central {
 public:
  static Central& instance();  // never destroyed: memory may be released while the process exits

  void attach(ThreadCache* cache);
  void detach(ThreadCache* cache);  // takes over its blocks and counts

  // Moves up to `count` (at least one) blocks into `list`.
  void refill(FreeList& list, int size_class, int count);
  void take_back(FreeList& list, int size_class, int count);

  void* allocate_large(int size_class, int64_t bytes, Owner owner, ThreadCache* cache);
  void release_large(void* data, int size_class, int64_t bytes, Owner owner);
  void trim();

  void settle(ThreadCache& cache);
  void count(Owner owner, int64_t bytes, int64_t allocations);
  std::vector<Statistics> statistics();
  void reset_peaks();

 private:
  struct Counter {
    int64_t current = 0, peak = 0, allocations = 0;
    void add(int64_t bytes) {
      current += bytes;
      if (current > peak) peak = current;
    }
  };
  void count_locked(Owner owner, int64_t bytes);
  void settle_locked(ThreadCache& cache);
  void* carve(int size_class);
  [[noreturn]] void out_of_memory(int64_t bytes);

  std::mutex mutex_;
  std::array<FreeList, small_classes> small_;
  std::byte* chunk_ = nullptr;  // what is left of the newest chunk
  int64_t chunk_left_ = 0;
  std::array<std::vector<void*>, class_count> large_;
  int64_t cached_ = 0, cached_peak_ = 0;
  std::array<Counter, owner_count> owners_;
  Counter total_;
  std::vector<ThreadCache*> threads_;
};

}  // namespace gemel::memory
