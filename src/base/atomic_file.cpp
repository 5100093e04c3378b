#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "base/io.h"

namespace gemel {
namespace {
constexpr size_t write_buffer_size = size_t{64} << 10;

// The file that a chain of symbolic links ends in, so that the links stay.
std::string real_target(std::string path) {
  char* resolved = realpath(path.c_str(), nullptr);
  if (resolved) {
    path = resolved;
    std::free(resolved);
  }
  return path;
}

std::string folder_of(const std::string& path) {
  const size_t slash = path.rfind('/');
  return slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
}
}  // namespace

AtomicFile::AtomicFile(std::string_view path) : target_(real_target(local_path(path))) {
  struct stat info;
  const bool exists = stat(target_.c_str(), &info) == 0;
  if (exists && !S_ISREG(info.st_mode)) {
    file_ = ::open(target_.c_str(), O_WRONLY | O_CLOEXEC);
    if (file_ < 0) failed("cannot be opened for writing");
    return;
  }
  // A file that may not be written must not be replaced either.
  if (exists && access(target_.c_str(), W_OK) != 0) failed("cannot be written");
  static std::atomic<unsigned> counter{0};
  for (int attempt = 0; file_ < 0; ++attempt) {
    temporary_ = fmt::format("{}.{}-{}.tmp", target_, getpid(), counter.fetch_add(1));
    file_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (file_ < 0 && (errno != EEXIST || attempt == 100)) {
      const int error = errno;
      temporary_.clear();
      errno = error;
      failed("cannot be created");
    }
  }
  // Only a wish: some file systems have no modes.
  if (exists && fchmod(file_, info.st_mode & 07777) != 0) errno = 0;
}

AtomicFile::~AtomicFile() { abandon(); }

void AtomicFile::abandon() noexcept {
  if (file_ >= 0) close(std::exchange(file_, -1));
  if (!temporary_.empty()) unlink(temporary_.c_str());
  temporary_.clear();
}

void AtomicFile::failed(const char* what) {
  const int error = errno;
  abandon();
  fail(ErrorKind::Environment, "{}: {}: {}; the file that was there before is unchanged", target_,
       what, std::strerror(error));
}

void AtomicFile::write(const void* data, int64_t bytes) {
  GEMEL_ASSERT(file_ >= 0);
  const auto* first = static_cast<const std::byte*>(data);
  if (buffer_.size() + static_cast<size_t>(bytes) > write_buffer_size) flush();
  if (static_cast<size_t>(bytes) > write_buffer_size)
    write_through(first, bytes);
  else
    buffer_.insert(buffer_.end(), first, first + bytes);
}

void AtomicFile::flush() {
  write_through(buffer_.data(), static_cast<int64_t>(buffer_.size()));
  buffer_.clear();
}

void AtomicFile::write_through(const std::byte* data, int64_t bytes) {
  while (bytes > 0) {
    const ssize_t done =
        ::write(file_, data, static_cast<size_t>(std::min(bytes, int64_t{1} << 30)));
    if (done < 0 && errno == EINTR) continue;
    if (done <= 0) failed("cannot be written");
    data += done;
    bytes -= done;
  }
}

void AtomicFile::commit() {
  GEMEL_ASSERT(file_ >= 0);
  flush();
  if (temporary_.empty()) {
    if (close(std::exchange(file_, -1)) != 0) failed("cannot be written");
    return;
  }
  if (fsync(file_) != 0) failed("cannot be written to disk");
  if (close(std::exchange(file_, -1)) != 0) failed("cannot be written");
  if (rename(temporary_.c_str(), target_.c_str()) != 0) failed("cannot be put in place");
  temporary_.clear();
  // The new name is on disk only when the folder is; the content is already safe, so a file system
  // that cannot do this is no failure.
  const int folder = ::open(folder_of(target_).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder >= 0) {
    if (fsync(folder) != 0) errno = 0;
    close(folder);
  }
}

void write_file(std::string_view path, std::string_view content) {
  AtomicFile file(path);
  file.write(content);
  file.commit();
}

}  // namespace gemel
