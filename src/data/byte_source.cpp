#include "data/byte_source.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/io.h"
#include "base/remote.h"
#include "data/remote_source.h"

namespace gemel::data {
namespace {

[[noreturn]] void cannot(const std::string& name, const char* what) {
  fail(ErrorKind::Environment, "{}: {}: {}", name, what, std::strerror(errno));
}

class MappedFile final : public ByteSource {
 public:
  // Takes the open file `file` of `size` bytes, which is above 0.
  MappedFile(std::string name, int file, int64_t size) : file_(file) {
    name_ = std::move(name);
    size_ = size;
    void* start = mmap(nullptr, static_cast<size_t>(size), PROT_READ, MAP_SHARED, file, 0);
    if (start == MAP_FAILED) {
      close(file_);
      cannot(name_, "cannot be mapped into memory");
    }
    memory_ = static_cast<const std::byte*>(start);
  }
  ~MappedFile() override {
    munmap(const_cast<std::byte*>(memory_), static_cast<size_t>(size_));
    close(file_);
  }

  std::span<const std::byte> view(int64_t offset, int64_t bytes) override {
    // To touch what another process has cut off would end this one: ask now and then.
    if (offset < checked_from_ || offset + bytes > checked_to_) {
      struct stat info;
      if (fstat(file_, &info) != 0) cannot(name_, "cannot be read");
      if (info.st_size < offset + bytes)
        fail(ErrorKind::Environment,
             "{}: became shorter while it was read: {} of {} bytes are left", name_,
             static_cast<int64_t>(info.st_size), size_);
      checked_from_ = offset;
      checked_to_ = std::min<int64_t>(info.st_size, offset + bytes + (256 << 10));
    }
    return {memory_ + offset, static_cast<size_t>(bytes)};
  }

 private:
  int file_;
  const std::byte* memory_;
  int64_t checked_from_ = 0, checked_to_ = 0;
};

class Memory final : public ByteSource {
 public:
  Memory(std::span<const std::byte> bytes, std::string name) : bytes_(bytes) {
    name_ = std::move(name);
    size_ = static_cast<int64_t>(bytes.size());
  }
  Memory(std::string content, std::string name) : content_(std::move(content)) {
    name_ = std::move(name);
    bytes_ = std::as_bytes(std::span(content_));
    size_ = static_cast<int64_t>(bytes_.size());
  }
  std::span<const std::byte> view(int64_t offset, int64_t bytes) override {
    return bytes_.subspan(static_cast<size_t>(offset), static_cast<size_t>(bytes));
  }

 private:
  std::string content_;
  std::span<const std::byte> bytes_;
};

}  // namespace

ByteSource::~ByteSource() = default;

std::unique_ptr<ByteSource> open_source(std::string_view path) {
  if (is_remote(path)) return open_remote(path);
  const std::string name = local_path(path);
  const int file = ::open(name.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) cannot(name, "cannot be opened");
  struct stat info;
  if (fstat(file, &info) == 0 && S_ISREG(info.st_mode) && info.st_size > 0)
    return std::make_unique<MappedFile>(name, file, info.st_size);
  close(file);
  return std::make_unique<Memory>(read_file(name), name);
}

std::unique_ptr<ByteSource> source_of(std::span<const std::byte> bytes, std::string name) {
  return std::make_unique<Memory>(bytes, std::move(name));
}

}  // namespace gemel::data
