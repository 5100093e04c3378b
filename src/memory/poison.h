// Tells the address sanitizer which bytes of the pool nobody may touch. Nothing in other builds.
#pragma once
#include <cstdint>

#if __has_include(<sanitizer/asan_interface.h>)
#include <sanitizer/asan_interface.h>
#endif
#ifndef ASAN_POISON_MEMORY_REGION
#define ASAN_POISON_MEMORY_REGION(address, size) ((void)(address), (void)(size))
#define ASAN_UNPOISON_MEMORY_REGION(address, size) ((void)(address), (void)(size))
#endif

namespace gemel::memory {

// A free block keeps its first bytes open: they hold the link of the free list.
inline void poison_free(void* data, int64_t capacity) {
  ASAN_UNPOISON_MEMORY_REGION(data, sizeof(void*));
  ASAN_POISON_MEMORY_REGION(static_cast<char*>(data) + sizeof(void*), capacity - sizeof(void*));
}
// Only the bytes asked for are open.
inline void unpoison_used(void* data, int64_t bytes, int64_t capacity) {
  ASAN_POISON_MEMORY_REGION(static_cast<char*>(data) + bytes, capacity - bytes);
  ASAN_UNPOISON_MEMORY_REGION(data, bytes);
}
inline void unpoison_all(void* data, int64_t capacity) {
  ASAN_UNPOISON_MEMORY_REGION(data, capacity);
}

}  // namespace gemel::memory
