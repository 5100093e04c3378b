// The only length-checked reader and the only atomic writer. Paths are plain or `file://`.
//
//   Reader reader = Reader::open("a.params");
//   auto magic = reader.read<uint64_t>();          // little-endian; throws Error(Input) past the
//   end AtomicFile file("a.params");                   // the old file stays until commit()
//   file.write(magic); file.commit();
//
// A failure of the system (no such file, disk full) is an Error(Environment); bytes that are
// missing are an Error(Input) that names the file, the position, what was wanted and what is left.
#pragma once
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/export.h"

namespace gemel {

static_assert(std::endian::native == std::endian::little, "files are little-endian");

// Removes `file://`; throws Error(Input) for any other scheme.
GEMEL_EXPORT std::string local_path(std::string_view path);

// Not for use by two threads at once.
class GEMEL_EXPORT Reader {
 public:
  static Reader open(std::string_view path);
  // Over memory that outlives the reader; `name` stands for the file in messages.
  Reader(std::span<const std::byte> bytes, std::string name);
  Reader(Reader&& other) noexcept;
  Reader& operator=(Reader&&) = delete;
  ~Reader();

  const std::string& name() const { return name_; }
  int64_t size() const { return size_; }
  int64_t position() const { return position_; }
  int64_t remaining() const { return size_ - position_; }

  template <typename T>
  T read(std::string_view what = "a number") {
    static_assert(std::is_arithmetic_v<T> || std::is_enum_v<T>);
    T value;
    read_into(&value, sizeof(T), what);
    return value;
  }
  void read_into(void* target, int64_t bytes, std::string_view what = "data");
  // Check what remains before they allocate.
  std::vector<std::byte> read_bytes(int64_t bytes, std::string_view what = "data");
  std::string read_string(int64_t bytes, std::string_view what = "a text");
  void skip(int64_t bytes, std::string_view what = "data");
  void seek(int64_t position);

  // Throws unless `bytes` (which may be negative or huge: it came from a file) remain.
  void require(int64_t bytes, std::string_view what) const {
    if (static_cast<uint64_t>(bytes) > static_cast<uint64_t>(remaining())) missing(bytes, what);
  }
  // Throws Error(Input) that names file and position.
  template <typename... Args>
  [[noreturn]] void refuse(fmt::format_string<Args...> text, Args&&... args) const {
    refuse_text(fmt::format(text, std::forward<Args>(args)...));
  }

 private:
  Reader() = default;
  [[noreturn]] void missing(int64_t bytes, std::string_view what) const;
  [[noreturn]] void refuse_text(const std::string& text) const;
  void read_file(std::byte* target, int64_t bytes, int64_t position);

  std::string name_;
  const std::byte* memory_ = nullptr;  // the bytes, or nullptr for a file
  std::vector<std::byte> owned_;       // what came from a pipe
  int file_ = -1;
  int64_t size_ = 0, position_ = 0;
  std::vector<std::byte> buffer_;  // the file's bytes [buffer_start_, + size)
  int64_t buffer_start_ = 0;
};

// Writes a temporary file beside the target, then puts it in the target's place. Without commit()
// (an exception on the way) the temporary is removed and the old file is as it was. A target that
// is not a regular file (a pipe, /dev/stdout) is written directly.
class GEMEL_EXPORT AtomicFile {
 public:
  explicit AtomicFile(std::string_view path);
  AtomicFile(const AtomicFile&) = delete;
  ~AtomicFile();

  void write(const void* data, int64_t bytes);
  void write(std::string_view text) { write(text.data(), static_cast<int64_t>(text.size())); }
  template <typename T>
  requires(std::is_arithmetic_v<T> || std::is_enum_v<T>) void write(T value) {
    write(&value, sizeof(T));
  }
  // On disk and in place when this returns.
  void commit();

 private:
  void flush();
  void write_through(const std::byte* data, int64_t bytes);
  [[noreturn]] void failed(const char* what);
  void abandon() noexcept;

  std::string target_, temporary_;  // `temporary_` is empty when the target is written directly
  int file_ = -1;
  std::vector<std::byte> buffer_;
};

GEMEL_EXPORT std::string read_file(std::string_view path);
GEMEL_EXPORT void write_file(std::string_view path, std::string_view content);  // atomic

}  // namespace gemel
