// RecordIO: records of any bytes, one after another, in the format of MXNet's `.rec` files.
//
//   RecordWriter writer("a.rec");
//   int64_t offset = writer.tell();  writer.write(bytes);  writer.close();
//   RecordReader reader(open_source("a.rec"));
//   for (std::span<const std::byte> record; reader.next(record);) use(record);
//
// A record is one chunk, or several where its content holds the magic number at a multiple of four:
// there it is cut, so that whoever looks for the magic number at such places finds beginnings only.
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/io.h"
#include "data/byte_source.h"

namespace gemel::data {

constexpr uint32_t record_magic = 0xCED7230A;

// What a reader does where no record can be read: stop throws Error(Input) with the position and
// the reason (and is then at the end); skip goes on with the next record that can be found.
enum class OnDamage { stop, skip };

class GEMEL_EXPORT RecordReader {
 public:
  explicit RecordReader(std::unique_ptr<ByteSource> source, OnDamage on_damage = OnDamage::stop);
  // The part `part_index` of `num_parts`: every record belongs to the part in which it begins, and
  // the parts are of about the same number of bytes.
  RecordReader(std::unique_ptr<ByteSource> source, OnDamage on_damage, int64_t num_parts,
               int64_t part_index);

  // False at the end. `record` is valid until the next call.
  bool next(std::span<const std::byte>& record);
  // Of the record that next() gives; a position that tell() or a writer's tell() gave.
  int64_t tell() const { return position_; }
  // Where the record that next() gave last begins.
  int64_t start() const { return start_; }
  void seek(int64_t position);
  void reset() { position_ = begin_; }
  // Restricts the reader to the records that begin in [begin, end).
  void set_range(int64_t begin, int64_t end);

  // Damaged places that were skipped so far, and the bytes in them.
  int64_t damaged() const { return damaged_; }
  int64_t skipped_bytes() const { return skipped_bytes_; }
  const ByteSource& source() const { return *source_; }

 private:
  struct Chunk {
    uint32_t kind;
    int64_t content, length, next;
  };
  // False with `failure_` and `failed_at_` set.
  bool read_chunk(int64_t offset, Chunk& chunk);
  bool read_record(std::span<const std::byte>& record, int64_t& next);
  bool refuse(int64_t offset, std::string reason);
  // The first beginning of a record at or after `offset`, or the end of the source.
  int64_t find_record(int64_t offset);

  std::unique_ptr<ByteSource> source_;
  OnDamage on_damage_;
  int64_t begin_ = 0, end_, position_ = 0, start_ = 0;
  int64_t damaged_ = 0, skipped_bytes_ = 0, failed_at_ = 0;
  std::string failure_;
  std::vector<std::byte> joined_;
};

// The file appears, or replaces an older one, when it is closed. A writer that is dropped without
// close() (an exception) leaves what was there before. A child process that inherits one leaves
// the file alone.
class GEMEL_EXPORT RecordWriter {
 public:
  explicit RecordWriter(std::string_view path);
  RecordWriter(RecordWriter&&) noexcept = default;
  ~RecordWriter();
  // At most 2^29 - 1 bytes between magic numbers.
  void write(std::span<const std::byte> record);
  int64_t tell() const { return position_; }  // where the next record begins
  void close();

 private:
  void write_chunk(uint32_t kind, std::span<const std::byte> content);

  std::unique_ptr<AtomicFile> file_;
  int process_;
  int64_t position_ = 0;
};

// An `.idx` file: lines of a key, a tab and the offset of a record, in the order of the file.
using RecordIndex = std::vector<std::pair<std::string, int64_t>>;
GEMEL_EXPORT RecordIndex read_record_index(std::string_view path);

// What stands before the image in an image record.
struct ImageRecord {
  std::vector<float> labels;
  uint64_t id = 0, id2 = 0;
  std::span<const std::byte> content;
};
// Throws Error(Input) that names `where`.
GEMEL_EXPORT ImageRecord unpack_image_record(std::span<const std::byte> record,
                                             std::string_view where);
// One label stands in the header, any other number behind it.
GEMEL_EXPORT std::string pack_image_record(const ImageRecord& record);

}  // namespace gemel::data
