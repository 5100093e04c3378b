// Pooled memory, 64-byte aligned, with current and peak bytes by owner.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "base/export.h"
#include "device/device.h"

namespace gemel::memory {

// Who asks for memory, for the statistics. Order is the order in which stats() lists them.
enum class Owner : uint8_t { array, parameter, gradient, plan, workspace, data };

struct Block {
  void* data = nullptr;
  int64_t bytes = 0;      // as asked for
  int64_t capacity = 0;   // as taken from the pool
  Owner owner = Owner::array;
};

// Throws Error(Memory) that names the bytes asked for and in use.
GEMEL_EXPORT Block allocate(int64_t bytes, Device device = {});
GEMEL_EXPORT void release(const Block& block, Device device = {});
// Gives cached free blocks back to the operating system.
GEMEL_EXPORT void trim();

// Allocations of this thread count to `owner` while one lives.
class GEMEL_EXPORT OwnerScope {
 public:
  explicit OwnerScope(Owner owner);
  ~OwnerScope();
 private:
  Owner previous_;
};

struct Statistics {
  std::string owner;
  int64_t current = 0, peak = 0;   // bytes as asked for
  int64_t allocations = 0;         // since the start
};
GEMEL_EXPORT std::vector<Statistics> statistics();   // one row per owner, then "total" and "cached"
GEMEL_EXPORT void reset_peaks();

}  // namespace gemel::memory
