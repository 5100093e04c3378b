// Copies to memory that will be gone from the caches before it is read again: whole vectors bypass
// them, which saves reading each line of the target first.
#pragma once
#include <cstddef>
#include <cstdint>

#include "base/export.h"

namespace gemel::simd {

// Bytes from which on a result is worth it.
inline constexpr int64_t streaming_bytes = 16 << 20;

// The memory must not overlap; `to` may begin anywhere.
GEMEL_EXPORT void stream_copy(const void* from, void* to, size_t bytes);
// After the last copy of a thread, before others may read what it wrote.
GEMEL_EXPORT void finish_streams();

}  // namespace gemel::simd
