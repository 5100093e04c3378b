#include "memory/system.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>

namespace gemel::memory {
namespace {
constexpr int64_t huge_page = int64_t{2} << 20;
constexpr int64_t huge_from = int64_t{4} << 20;

std::byte* map(int64_t bytes) {
  void* data = mmap(nullptr, static_cast<size_t>(bytes), PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return data == MAP_FAILED ? nullptr : static_cast<std::byte*>(data);
}
}  // namespace

void* system_allocate(int64_t bytes) {
  if (bytes < huge_from) return map(bytes);
  // Take one huge page more than needed and cut off both ends, so that the block is aligned.
  std::byte* data = map(bytes + huge_page);
  if (!data) return nullptr;
  const int64_t head =
      (huge_page - (reinterpret_cast<intptr_t>(data) & (huge_page - 1))) & (huge_page - 1);
  if (head) munmap(data, static_cast<size_t>(head));
  data += head;
  if (head < huge_page) munmap(data + bytes, static_cast<size_t>(huge_page - head));
#ifdef MADV_HUGEPAGE
  madvise(data, static_cast<size_t>(bytes), MADV_HUGEPAGE);  // advice: a refusal changes nothing
#endif
  return data;
}

void system_release(void* data, int64_t bytes) { munmap(data, static_cast<size_t>(bytes)); }

int64_t physical_memory() {
  static const int64_t bytes = int64_t{sysconf(_SC_PHYS_PAGES)} * sysconf(_SC_PAGESIZE);
  return bytes;
}

}  // namespace gemel::memory
