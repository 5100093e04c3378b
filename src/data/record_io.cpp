#include "data/record_io.h"

#include <unistd.h>

#include <algorithm>
#include <cstring>

namespace gemel::data {
namespace {

constexpr uint32_t length_bits = 29;
constexpr int64_t longest_chunk = (int64_t{1} << length_bits) - 1;
constexpr int64_t header_bytes = 8;
enum : uint32_t { whole = 0, first = 1, middle = 2, last = 3 };

uint32_t word_at(const std::byte* address) {
  uint32_t word;
  std::memcpy(&word, address, sizeof word);
  return word;
}

int64_t aligned(int64_t offset) { return (offset + 3) & ~int64_t{3}; }

// The first multiple of four at or after `from` where the magic number stands, or the size.
int64_t find_magic(std::span<const std::byte> bytes, int64_t from) {
  const int64_t size = static_cast<int64_t>(bytes.size()) & ~int64_t{3};
  constexpr int64_t block = 64;
  while (from + block <= size) {  // a loop without exits is a vector loop
    uint32_t found = 0;
    for (int64_t i = 0; i < block; i += 4) found |= word_at(&bytes[from + i]) == record_magic;
    if (found) break;
    from += block;
  }
  for (; from < size; from += 4)
    if (word_at(&bytes[from]) == record_magic) return from;
  return static_cast<int64_t>(bytes.size());
}

}  // namespace

RecordReader::RecordReader(std::unique_ptr<ByteSource> source, OnDamage on_damage)
    : source_(std::move(source)), on_damage_(on_damage), end_(source_->size()) {}

RecordReader::RecordReader(std::unique_ptr<ByteSource> source, OnDamage on_damage,
                           int64_t num_parts, int64_t part_index)
    : RecordReader(std::move(source), on_damage) {
  GEMEL_CHECK(num_parts > 0 && part_index >= 0 && part_index < num_parts,
              "{}: expected part_index below num_parts, got {} of {}", source_->name(), part_index,
              num_parts);
  const int64_t size = source_->size();
  const int64_t step = aligned(size / num_parts + (size % num_parts != 0));
  const auto limit = [&](int64_t part) {
    return part != 0 && step > size / part ? size : std::min(size, step * part);
  };
  set_range(limit(part_index), limit(part_index + 1));
}

void RecordReader::set_range(int64_t begin, int64_t end) {
  end_ = std::clamp<int64_t>(end, 0, source_->size());
  begin_ = begin <= 0 ? 0 : std::min(end_, find_record(begin));
  position_ = begin_;
}

void RecordReader::seek(int64_t position) {
  GEMEL_CHECK(position >= 0 && position <= source_->size(),
              "{}: expected a position from 0 to {}, got {}", source_->name(), source_->size(),
              position);
  position_ = position;
}

bool RecordReader::refuse(int64_t offset, std::string reason) {
  failed_at_ = offset;
  failure_ = std::move(reason);
  return false;
}

bool RecordReader::read_chunk(int64_t offset, Chunk& chunk) {
  const int64_t left = source_->size() - offset;
  if (left < header_bytes)
    return refuse(offset, fmt::format("the header of a record needs 8 bytes, {} are left", left));
  const auto header = source_->view(offset, header_bytes);
  const uint32_t magic = word_at(header.data()), word = word_at(header.data() + 4);
  if (magic != record_magic)
    return refuse(offset,
                  fmt::format("expected the magic number {:#x}, got {:#x}", record_magic, magic));
  chunk = {word >> length_bits, offset + header_bytes, word & longest_chunk, 0};
  if (chunk.kind > last)
    return refuse(offset, fmt::format("expected a part of kind 0 to 3, got {}", chunk.kind));
  if (chunk.length > left - header_bytes)
    return refuse(offset, fmt::format("a record needs {} bytes, {} are left", chunk.length,
                                      left - header_bytes));
  chunk.next = std::min(chunk.content + aligned(chunk.length), source_->size());
  return true;
}

bool RecordReader::read_record(std::span<const std::byte>& record, int64_t& next) {
  Chunk chunk;
  if (!read_chunk(position_, chunk)) return false;
  if (chunk.kind > first)
    return refuse(position_,
                  fmt::format("expected the first part of a record, got kind {}", chunk.kind));
  if (chunk.kind == first) {
    joined_.clear();
    for (int64_t offset = position_;; offset = chunk.next) {
      if (offset != position_) {
        if (!read_chunk(offset, chunk)) return false;
        if (chunk.kind < middle)
          return refuse(offset, "the record before is not complete: another one begins");
        const auto* magic = reinterpret_cast<const std::byte*>(&record_magic);
        joined_.insert(joined_.end(), magic, magic + sizeof record_magic);
      }
      const auto part = source_->view(chunk.content, chunk.length);
      joined_.insert(joined_.end(), part.begin(), part.end());
      if (chunk.kind == last) break;
    }
    record = joined_;
  } else {
    record = source_->view(chunk.content, chunk.length);
  }
  next = chunk.next;
  return true;
}

bool RecordReader::next(std::span<const std::byte>& record) {
  while (position_ < end_) {
    int64_t next = 0;
    if (read_record(record, next)) {
      start_ = position_;
      position_ = next;
      return true;
    }
    if (on_damage_ == OnDamage::stop) {
      position_ = source_->size();
      fail(ErrorKind::Input, "{}: truncated or damaged at byte {}: {}", source_->name(), failed_at_,
           failure_);
    }
    // A later part that failed may be the beginning of a whole record.
    const int64_t from = failed_at_ > position_ ? failed_at_ : position_ + 1;
    const int64_t found = find_record(from);
    ++damaged_;
    skipped_bytes_ += found - position_;
    position_ = found;
  }
  return false;
}

int64_t RecordReader::find_record(int64_t offset) {
  constexpr int64_t block = int64_t{64} << 10;
  const int64_t size = source_->size();
  offset = aligned(offset);
  while (offset + header_bytes <= size) {
    const auto bytes = source_->view(offset, std::min(block, size - offset));
    const int64_t found = find_magic(bytes, 0);
    if (found == static_cast<int64_t>(bytes.size())) {
      offset += found & ~int64_t{3};
      if (found % 4) break;  // the end of the source
      continue;
    }
    offset += found;
    Chunk chunk;
    if (read_chunk(offset, chunk) && chunk.kind <= first) return offset;
    offset += 4;
  }
  return size;
}

RecordWriter::RecordWriter(std::string_view path)
    : file_(std::make_unique<AtomicFile>(path)), process_(getpid()) {}

RecordWriter::~RecordWriter() {
  if (file_ && getpid() != process_) (void)file_.release();  // the parent's file
}

void RecordWriter::write_chunk(uint32_t kind, std::span<const std::byte> content) {
  file_->write(record_magic);
  file_->write(kind << length_bits | static_cast<uint32_t>(content.size()));
  const auto bytes = static_cast<int64_t>(content.size());
  file_->write(content.data(), bytes);
  constexpr char zeros[4] = {};
  file_->write(zeros, aligned(bytes) - bytes);
  position_ += header_bytes + aligned(bytes);
}

void RecordWriter::write(std::span<const std::byte> record) {
  GEMEL_CHECK(file_ != nullptr, "[RecordWriter] the file is closed: no record can be written");
  GEMEL_CHECK(
      getpid() == process_,
      "[RecordWriter] the file belongs to the process that opened it: open one of your own");
  const auto size = static_cast<int64_t>(record.size());
  GEMEL_CHECK(size <= longest_chunk, "[RecordWriter] expected a record of at most {} bytes, got {}",
              longest_chunk, size);
  uint32_t kind = first;
  int64_t begin = 0;
  for (int64_t cut = find_magic(record, 0); cut < size - 3; cut = find_magic(record, begin)) {
    write_chunk(kind, record.subspan(begin, cut - begin));
    kind = middle;
    begin = cut + 4;
  }
  write_chunk(begin == 0 ? whole : last, record.subspan(begin));
}

void RecordWriter::close() {
  if (file_ && getpid() != process_) (void)file_.release();
  if (!file_) return;
  const auto file = std::move(file_);
  file->commit();
}

}  // namespace gemel::data
