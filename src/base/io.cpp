#include "base/io.h"

#include "base/remote.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace gemel {
namespace {
constexpr int64_t buffer_size = int64_t{64} << 10;

[[noreturn]] void system_error(std::string_view name, const char* what, int error) {
  fail(ErrorKind::Environment, "{}: {}: {}", name, what, std::strerror(error));
}

int64_t read_some(int file, std::byte* target, int64_t bytes, int64_t position) {
  for (;;) {
    const ssize_t got = position < 0 ? ::read(file, target, static_cast<size_t>(bytes))
                                     : pread(file, target, static_cast<size_t>(bytes), position);
    if (got >= 0 || errno != EINTR) return got;
  }
}
FetchRemote fetch_remote = nullptr;
}  // namespace

bool is_remote(std::string_view path) {
  return path.starts_with("http://") || path.starts_with("https://") || path.starts_with("s3://");
}

void set_remote_files(FetchRemote fetch) { fetch_remote = fetch; }

std::string local_path(std::string_view path) {
  if (path.starts_with("file://")) path.remove_prefix(7);
  const size_t scheme = path.find("://");
  GEMEL_CHECK(
      scheme == std::string_view::npos || path.find('/') < scheme,
      "'{}': expected a plain path or file://, got {}://, which cannot be opened here; copy the "
      "file first",
      path, path.substr(0, scheme));
  GEMEL_CHECK(!path.empty(), "expected the path of a file, got an empty one");
  GEMEL_CHECK(path.find('\0') == std::string_view::npos, "expected a path without a zero byte");
  return std::string(path);
}

Reader Reader::open(std::string_view path) {
  Reader reader;
  if (fetch_remote && is_remote(path)) {
    reader.name_ = path;
    reader.owned_ = fetch_remote(reader.name_);
    reader.owned_.reserve(1);
    reader.memory_ = reader.owned_.data();
    reader.size_ = static_cast<int64_t>(reader.owned_.size());
    return reader;
  }
  reader.name_ = local_path(path);
  reader.file_ = ::open(reader.name_.c_str(), O_RDONLY | O_CLOEXEC);
  if (reader.file_ < 0) system_error(reader.name_, "cannot be opened", errno);
  struct stat info;
  if (fstat(reader.file_, &info) != 0) system_error(reader.name_, "cannot be read", errno);
  if (S_ISREG(info.st_mode)) {
    reader.size_ = info.st_size;
    return reader;
  }
  // A pipe or a device has no size beforehand: take all that it gives (a folder fails here).
  for (;;) {
    const size_t used = reader.owned_.size();
    reader.owned_.resize(used + buffer_size);
    const int64_t got = read_some(reader.file_, reader.owned_.data() + used, buffer_size, -1);
    if (got < 0) system_error(reader.name_, "cannot be read", errno);
    reader.owned_.resize(used + static_cast<size_t>(got));
    if (got == 0) break;
  }
  reader.owned_.reserve(1);  // so that memory_ is an address
  reader.memory_ = reader.owned_.data();
  reader.size_ = static_cast<int64_t>(reader.owned_.size());
  return reader;
}

Reader::Reader(std::span<const std::byte> bytes, std::string name)
    : name_(std::move(name)), size_(static_cast<int64_t>(bytes.size())) {
  static const std::byte nothing{};
  memory_ = bytes.data() ? bytes.data() : &nothing;
}

Reader::Reader(Reader&& other) noexcept
    : name_(std::move(other.name_)),
      memory_(std::exchange(other.memory_, nullptr)),
      owned_(std::move(other.owned_)),
      file_(std::exchange(other.file_, -1)),
      size_(std::exchange(other.size_, 0)),
      position_(std::exchange(other.position_, 0)),
      buffer_(std::move(other.buffer_)),
      buffer_start_(other.buffer_start_) {}

Reader::~Reader() {
  if (file_ >= 0) close(file_);
}

void Reader::read_into(void* target, int64_t bytes, std::string_view what) {
  require(bytes, what);
  if (bytes == 0) return;
  auto* out = static_cast<std::byte*>(target);
  if (memory_) {
    std::memcpy(out, memory_ + position_, static_cast<size_t>(bytes));
    position_ += bytes;
    return;
  }
  while (bytes > 0) {
    const int64_t buffered = buffer_start_ + static_cast<int64_t>(buffer_.size()) - position_;
    if (position_ >= buffer_start_ && buffered > 0) {
      const int64_t step = std::min(buffered, bytes);
      std::memcpy(out, buffer_.data() + (position_ - buffer_start_), static_cast<size_t>(step));
      position_ += step;
      out += step;
      bytes -= step;
    } else if (bytes >= buffer_size) {
      read_file(out, bytes, position_);  // large data need no second copy
      position_ += bytes;
      bytes = 0;
    } else {
      const int64_t step = std::min(buffer_size, remaining());
      buffer_.resize(static_cast<size_t>(step));
      buffer_start_ = position_;
      read_file(buffer_.data(), step, position_);
    }
  }
}

void Reader::read_file(std::byte* target, int64_t bytes, int64_t position) {
  while (bytes > 0) {
    const int64_t got = read_some(file_, target, std::min(bytes, int64_t{1} << 30), position);
    if (got <= 0) {
      const int error = errno;
      buffer_.clear();
      if (got < 0) system_error(name_, "cannot be read", error);
      fail(ErrorKind::Environment, "{}: became shorter while it was read: no bytes at {} of {}",
           name_, position, size_);
    }
    target += got;
    position += got;
    bytes -= got;
  }
}

std::vector<std::byte> Reader::read_bytes(int64_t bytes, std::string_view what) {
  require(bytes, what);
  std::vector<std::byte> result(static_cast<size_t>(bytes));
  read_into(result.data(), bytes, what);
  return result;
}

std::string Reader::read_string(int64_t bytes, std::string_view what) {
  require(bytes, what);
  std::string result(static_cast<size_t>(bytes), '\0');
  read_into(result.data(), bytes, what);
  return result;
}

void Reader::skip(int64_t bytes, std::string_view what) {
  require(bytes, what);
  position_ += bytes;
}

void Reader::seek(int64_t position) {
  if (position < 0 || position > size_)
    fail(ErrorKind::Input, "{}: expected a position from 0 to {}, got {}", name_, size_, position);
  position_ = position;
}

void Reader::missing(int64_t bytes, std::string_view what) const {
  fail(ErrorKind::Input, "{}: truncated or damaged at byte {}: {} needs {} bytes, {} are left",
       name_, position_, what, static_cast<uint64_t>(bytes), remaining());
}

void Reader::refuse_text(const std::string& text) const {
  fail(ErrorKind::Input, "{}: at byte {}: {}", name_, position_, text);
}

std::string read_file(std::string_view path) {
  Reader reader = Reader::open(path);
  return reader.read_string(reader.remaining());
}

}  // namespace gemel
