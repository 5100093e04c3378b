#include "memory/central.h"

#include <algorithm>

#include "base/error.h"
#include "memory/poison.h"
#include "memory/system.h"

namespace gemel::memory {
namespace {
constexpr int64_t chunk_bytes = int64_t{1} << 20;
constexpr const char* owner_names[] = {"array", "parameter", "gradient",
                                       "plan",  "workspace", "data"};
static_assert(std::size(owner_names) == owner_count);
}  // namespace

Central& Central::instance() {
  static Central* const central = new Central;
  return *central;
}

void Central::attach(ThreadCache* cache) {
  std::lock_guard lock(mutex_);
  threads_.push_back(cache);
}

void Central::detach(ThreadCache* cache) {
  for (int c = 0; c < small_classes; ++c) take_back(cache->lists[c], c, cache->lists[c].count);
  std::lock_guard lock(mutex_);
  settle_locked(*cache);
  std::erase(threads_, cache);
}

void* Central::carve(int size_class) {
  const int64_t capacity = class_capacity(size_class);
  if (chunk_left_ < capacity) {
    void* chunk = system_allocate(chunk_bytes);
    if (!chunk) return nullptr;
    chunk_ = static_cast<std::byte*>(chunk);
    chunk_left_ = chunk_bytes;
  }
  void* block = chunk_;
  chunk_ += capacity;
  chunk_left_ -= capacity;
  poison_free(block, capacity);
  return block;
}

void Central::refill(FreeList& list, int size_class, int count) {
  std::lock_guard lock(mutex_);
  FreeList& source = small_[size_class];
  for (int i = 0; i < count; ++i) {
    // One fresh block is enough when there are no used ones: a rare size shall not hoard.
    if (source.count == 0 && i > 0) break;
    void* block = source.count ? source.pop() : carve(size_class);
    if (!block) out_of_memory(class_capacity(size_class));
    list.push(block);
  }
}

void Central::take_back(FreeList& list, int size_class, int count) {
  std::lock_guard lock(mutex_);
  for (; count > 0; --count) small_[size_class].push(list.pop());
}

void* Central::allocate_large(int size_class, int64_t bytes, Owner owner, ThreadCache* cache) {
  const int64_t capacity = class_capacity(size_class);
  void* data = nullptr;
  {
    std::lock_guard lock(mutex_);
    auto& cached = large_[size_class];
    if (!cached.empty()) {
      data = cached.back();
      cached.pop_back();
      cached_ -= capacity;
    }
  }
  if (!data) data = system_allocate(capacity);
  if (!data) {
    trim();
    data = system_allocate(capacity);
  }
  std::lock_guard lock(mutex_);
  if (cache) settle_locked(*cache);  // small blocks taken before this one belong below its peak
  if (!data) out_of_memory(bytes);
  count_locked(owner, bytes);
  ++owners_[static_cast<int>(owner)].allocations;
  return data;
}

void Central::release_large(void* data, int size_class, int64_t bytes, Owner owner) {
  const int64_t capacity = class_capacity(size_class);
  poison_free(data, capacity);
  {
    std::lock_guard lock(mutex_);
    count_locked(owner, -bytes);
    if (cached_ + capacity <= physical_memory() / 4) {
      large_[size_class].push_back(data);
      cached_ += capacity;
      cached_peak_ = std::max(cached_peak_, cached_);
      return;
    }
  }
  unpoison_all(data, capacity);
  system_release(data, capacity);
}

void Central::trim() {
  std::array<std::vector<void*>, class_count> taken;
  {
    std::lock_guard lock(mutex_);
    std::swap(taken, large_);
    cached_ = 0;
  }
  for (int c = small_classes; c < class_count; ++c)
    for (void* data : taken[c]) {
      unpoison_all(data, class_capacity(c));
      system_release(data, class_capacity(c));
    }
}

void Central::count_locked(Owner owner, int64_t bytes) {
  owners_[static_cast<int>(owner)].add(bytes);
  total_.add(bytes);
}

void Central::settle_locked(ThreadCache& cache) {
  for (int i = 0; i < owner_count; ++i) {
    const int64_t bytes = cache.unsettled[i].exchange(0, std::memory_order_relaxed);
    if (bytes) count_locked(static_cast<Owner>(i), bytes);
    owners_[i].allocations += cache.allocations[i].exchange(0, std::memory_order_relaxed);
  }
}

void Central::settle(ThreadCache& cache) {
  std::lock_guard lock(mutex_);
  settle_locked(cache);
}

void Central::count(Owner owner, int64_t bytes, int64_t allocations) {
  std::lock_guard lock(mutex_);
  count_locked(owner, bytes);
  owners_[static_cast<int>(owner)].allocations += allocations;
}

std::vector<Statistics> Central::statistics() {
  std::lock_guard lock(mutex_);
  std::vector<Statistics> rows;
  Statistics total{"total", total_.current, total_.peak, 0};
  for (int i = 0; i < owner_count; ++i) {
    Statistics row{owner_names[i], owners_[i].current, owners_[i].peak, owners_[i].allocations};
    for (const ThreadCache* thread : threads_) {
      row.current += thread->unsettled[i].load(std::memory_order_relaxed);
      row.allocations += thread->allocations[i].load(std::memory_order_relaxed);
    }
    row.peak = std::max(row.peak, row.current);
    total.current += row.current - owners_[i].current;
    total.allocations += row.allocations;
    rows.push_back(row);
  }
  total.peak = std::max(total.peak, total.current);
  rows.push_back(total);
  rows.push_back({"cached", cached_, cached_peak_, 0});
  return rows;
}

void Central::reset_peaks() {
  std::lock_guard lock(mutex_);
  for (Counter& counter : owners_) counter.peak = counter.current;
  total_.peak = total_.current;
  cached_peak_ = cached_;
}

void Central::out_of_memory(int64_t bytes) {
  fail(ErrorKind::Memory,
       "[memory] out of memory: {} bytes asked for, {} bytes in use, {} bytes of physical memory; "
       "release arrays or use a smaller batch",
       bytes, total_.current, physical_memory());
}

}  // namespace gemel::memory
