// Bytes that are read at any position: a file that is mapped into memory, or a stream's content.
//
// A source is not for use by two threads at once; open one for each.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/export.h"

namespace gemel::data {

class GEMEL_EXPORT ByteSource {
 public:
  virtual ~ByteSource();
  const std::string& name() const { return name_; }
  int64_t size() const { return size_; }
  // The bytes [offset, offset + bytes), which lie inside of the source; valid until the next call.
  // Throws Error(Environment) where they cannot be read any more.
  virtual std::span<const std::byte> view(int64_t offset, int64_t bytes) = 0;
  // Whether view() may wait for another machine.
  virtual bool waits() const { return false; }

 protected:
  std::string name_;
  int64_t size_ = 0;
};

// A plain path, file://, http(s):// or s3://; a pipe is read to its end first.
GEMEL_EXPORT std::unique_ptr<ByteSource> open_source(std::string_view path);
// Over memory that outlives the source.
GEMEL_EXPORT std::unique_ptr<ByteSource> source_of(std::span<const std::byte> bytes,
                                                   std::string name);

}  // namespace gemel::data
