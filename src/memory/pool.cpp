#include "memory/pool.h"

#include <memory>

#include "base/error.h"
#include "memory/central.h"
#include "memory/poison.h"

namespace gemel::memory {
namespace {
constexpr int64_t settle_from = int64_t{64} << 10;

// Trivial, so that reaching it costs no guard. `ended`: the thread is past its destructors.
struct ThreadState {
  ThreadCache* cache;
  Owner owner;
  bool ended;
};
__attribute__((tls_model("initial-exec"))) constinit thread_local ThreadState state{};

struct CacheHolder {
  ThreadCache cache;
  CacheHolder() {
    Central::instance().attach(&cache);
    state.cache = &cache;
  }
  ~CacheHolder() {
    state.cache = nullptr;
    state.ended = true;
    Central::instance().detach(&cache);
  }
};

// nullptr once the thread has ended its cache.
__attribute__((noinline, cold)) ThreadCache* make_cache() {
  if (state.ended) return nullptr;
  // On the heap: the thread's static block, which initial-exec variables share, is small.
  thread_local const std::unique_ptr<CacheHolder> holder = std::make_unique<CacheHolder>();
  return state.cache;
}
inline ThreadCache* thread_cache() { return state.cache ? state.cache : make_cache(); }

// How many free blocks of a class a thread keeps.
constexpr auto keep_limits = [] {
  std::array<int, small_classes> limits{};
  for (int c = 0; c < small_classes; ++c) {
    const int64_t blocks = settle_from / class_capacity(c);
    limits[c] = static_cast<int>(blocks < 8 ? 8 : blocks > 256 ? 256 : blocks);
  }
  return limits;
}();

inline void add(std::atomic<int64_t>& counter, int64_t value) {
  // Only its own thread changes a counter, but for settling, which that thread does too.
  counter.store(counter.load(std::memory_order_relaxed) + value, std::memory_order_relaxed);
}

inline void note(ThreadCache& cache, Owner owner, int64_t bytes) {
  auto& unsettled = cache.unsettled[static_cast<int>(owner)];
  const int64_t value = unsettled.load(std::memory_order_relaxed) + bytes;
  unsettled.store(value, std::memory_order_relaxed);
  if (value >= settle_from || value <= -settle_from) Central::instance().settle(cache);
}

alignas(alignment) std::byte empty_block[alignment];

void check_device(Device device) {
  if (device.kind == DeviceKind::gpu)
    fail(ErrorKind::Environment, "[memory] {} is not available in this build, use cpu()",
         to_string(device));
}

void* allocate_small(int size_class, int64_t bytes, Owner owner) {
  ThreadCache* cache = thread_cache();
  if (!cache) {
    FreeList one;
    Central::instance().refill(one, size_class, 1);
    Central::instance().count(owner, bytes, 1);
    return one.pop();
  }
  FreeList& list = cache->lists[size_class];
  if (!list.head) Central::instance().refill(list, size_class, keep_limits[size_class] / 2);
  void* data = list.pop();
  add(cache->allocations[static_cast<int>(owner)], 1);
  note(*cache, owner, bytes);
  return data;
}

void release_small(void* data, int size_class, int64_t bytes, Owner owner) {
  poison_free(data, class_capacity(size_class));
  ThreadCache* cache = thread_cache();
  if (!cache) {
    FreeList one;
    one.push(data);
    Central::instance().take_back(one, size_class, 1);
    Central::instance().count(owner, -bytes, 0);
    return;
  }
  FreeList& list = cache->lists[size_class];
  list.push(data);
  note(*cache, owner, -bytes);
  if (list.count > keep_limits[size_class])
    Central::instance().take_back(list, size_class, list.count / 2);
}
}  // namespace

Block allocate(int64_t bytes, Device device) {
  if (device.kind != DeviceKind::cpu) check_device(device);
  const Owner owner = state.owner;
  if (bytes <= 0 || bytes > max_bytes) {
    if (bytes == 0) return {empty_block, 0, 0, owner};
    fail(ErrorKind::Memory, "[memory] expected 0 to {} bytes, got {}; check the shape", max_bytes,
         bytes);
  }
  const int size_class = class_of(bytes);
  void* data = size_class < small_classes
                   ? allocate_small(size_class, bytes, owner)
                   : Central::instance().allocate_large(size_class, bytes, owner, thread_cache());
  const int64_t capacity = class_capacity(size_class);
  unpoison_used(data, bytes, capacity);
  return {data, bytes, capacity, owner};
}

void release(const Block& block, Device) {
  if (block.bytes == 0) return;
  const int size_class = class_of(block.bytes);
  if (size_class < small_classes)
    release_small(block.data, size_class, block.bytes, block.owner);
  else
    Central::instance().release_large(block.data, size_class, block.bytes, block.owner);
}

void trim() { Central::instance().trim(); }
std::vector<Statistics> statistics() { return Central::instance().statistics(); }

void reset_peaks() {
  if (ThreadCache* cache = thread_cache()) Central::instance().settle(*cache);
  Central::instance().reset_peaks();
}

OwnerScope::OwnerScope(Owner owner) : previous_(state.owner) { state.owner = owner; }
OwnerScope::~OwnerScope() { state.owner = previous_; }

}  // namespace gemel::memory
