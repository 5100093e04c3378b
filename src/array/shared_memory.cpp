#include "array/shared_memory.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <mutex>
#include <unordered_map>

namespace gemel {
namespace {

constexpr Device shared_device = {DeviceKind::cpu_shared, 0};

struct SharedBlocks {
  std::mutex mutex;
  std::unordered_map<const void*, int> descriptors;  // by address
};

SharedBlocks& shared_blocks() {
  static SharedBlocks* blocks = new SharedBlocks;  // arrays may outlive static destruction
  return *blocks;
}

[[noreturn]] void shared_memory_failed(const char* what, int64_t bytes) {
  const int error = errno;
  fail(ErrorKind::Environment, "[shared memory] cannot {} {} bytes: {}", what, bytes,
       std::strerror(error));
}

// Takes the descriptor over.
NDArray map_shared(int descriptor, int64_t bytes, const Shape& shape, DType dtype) {
  const auto length = static_cast<size_t>(std::max<int64_t>(bytes, 1));
  void* data = mmap(nullptr, length, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
  if (data == MAP_FAILED) {
    const int error = errno;
    close(descriptor);
    errno = error;
    shared_memory_failed("map", bytes);
  }
  SharedBlocks& blocks = shared_blocks();
  {
    std::lock_guard lock(blocks.mutex);
    blocks.descriptors[data] = descriptor;
  }
  Ref<Storage> storage = Storage::borrow(data, bytes, shared_device, [=] {
    SharedBlocks& all = shared_blocks();
    {
      std::lock_guard lock(all.mutex);
      all.descriptors.erase(data);
    }
    munmap(data, length);
    close(descriptor);
  });
  return NDArray(std::move(storage), 0, shape, dtype);
}

}  // namespace

NDArray make_shared_array(const Shape& shape, DType dtype) {
  const int64_t bytes = NDArray::checked_bytes(shape, dtype);
  const int descriptor = memfd_create("gemel", MFD_CLOEXEC);
  if (descriptor < 0) shared_memory_failed("make", bytes);
  if (ftruncate(descriptor, std::max<int64_t>(bytes, 1)) != 0) {
    close(descriptor);
    shared_memory_failed("reserve", bytes);
  }
  return map_shared(descriptor, bytes, shape, dtype);
}

int shared_descriptor(const NDArray& array) {
  if (!array || array.offset() != 0 || array.bytes() != array.storage()->bytes()) return -1;
  SharedBlocks& blocks = shared_blocks();
  std::lock_guard lock(blocks.mutex);
  const auto found = blocks.descriptors.find(array.storage()->data());
  return found == blocks.descriptors.end() ? -1 : found->second;
}

NDArray open_shared_array(int descriptor, const Shape& shape, DType dtype) {
  struct stat status {};
  if (fstat(descriptor, &status) != 0)
    fail(ErrorKind::Environment, "[shared memory] {} is no descriptor: {}", descriptor,
         std::strerror(errno));
  int64_t bytes = 0;
  try {
    bytes = NDArray::checked_bytes(shape, dtype);
    GEMEL_CHECK(status.st_size >= bytes,
                "[shared memory] expected {} bytes for an array of shape {}, got {}", bytes, shape,
                status.st_size);
  } catch (...) {
    close(descriptor);
    throw;
  }
  return map_shared(descriptor, bytes, shape, dtype);
}

}  // namespace gemel
