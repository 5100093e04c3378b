// Pooled memory, 64-byte aligned, with current and peak bytes by owner. Every function may be
// called from any thread; a block may be released by another thread than the one that took it.
//
// Statistics: `current` is exact. `peak` is exact for blocks of 64 KiB and more; smaller blocks
// reach it in steps, so it may be low by less than 64 KiB for each thread and owner.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "base/export.h"
#include "device/device.h"

namespace gemel::memory {

// Who asks for memory, for the statistics. Order is the order in which stats() lists them.
enum class Owner : uint8_t { array, parameter, gradient, plan, workspace, data };
inline constexpr int owner_count = 6;

struct Block {
  void* data = nullptr;
  int64_t bytes = 0;     // as asked for
  int64_t capacity = 0;  // as taken from the pool
  Owner owner = Owner::array;
};

// Zero bytes are allowed: `data` is then an aligned address that must not be read or written.
// Memory is not cleared. Throws Error(Memory) that names the bytes asked for and in use.
GEMEL_EXPORT Block allocate(int64_t bytes, Device device = {});
GEMEL_EXPORT void release(const Block& block, Device device = {});
// Gives the cached free blocks of 56 KiB and more back to the operating system. Smaller ones stay:
// they are cut from chunks that live as long as the process.
GEMEL_EXPORT void trim();

// Allocations of this thread count to `owner` while one lives.
class GEMEL_EXPORT OwnerScope {
 public:
  explicit OwnerScope(Owner owner);
  ~OwnerScope();
  OwnerScope(const OwnerScope&) = delete;

 private:
  Owner previous_;
};

struct Statistics {
  std::string owner;
  int64_t current = 0, peak = 0;  // bytes as asked for
  int64_t allocations = 0;        // since the start
};
// One row per owner, then "total", then "cached": the bytes that trim() would give back.
GEMEL_EXPORT std::vector<Statistics> statistics();
GEMEL_EXPORT void reset_peaks();  // every peak becomes the current value

}  // namespace gemel::memory
