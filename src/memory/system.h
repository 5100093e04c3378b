// The operating system's memory: whole pages, taken and given back. The pool is its only caller.
#pragma once
#include <cstdint>

namespace gemel::memory {

// `bytes` is a multiple of the page size. Returns nullptr when there is no memory. Blocks of
// 4 MiB and more start on a 2 MiB boundary and ask for transparent huge pages.
void* system_allocate(int64_t bytes);
void system_release(void* data, int64_t bytes);
int64_t physical_memory();

}  // namespace gemel::memory
