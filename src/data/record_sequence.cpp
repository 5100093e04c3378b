#include "data/record_sequence.h"

#include <algorithm>

#include "data/files.h"
#include "kernels/random.h"

namespace gemel::data {
namespace {

// Paths with ';' between them, each of a file or of a folder.
std::vector<std::string> all_files(const std::string& text) {
  std::vector<std::string> files;
  for (size_t begin = 0; begin <= text.size();) {
    const size_t end = std::min(text.find(';', begin), text.size());
    for (std::string& file : files_of(text.substr(begin, end - begin), "ImageRecordIter"))
      if (!file.ends_with(".idx")) files.push_back(std::move(file));
    begin = end + 1;
  }
  return files;
}

}  // namespace

RecordSequence::RecordSequence(const Options& options)
    : shuffle_(options.shuffle),
      out_of_order_(options.shuffle || !options.index.empty()),
      seed_(options.seed) {
  std::vector<std::unique_ptr<ByteSource>> sources;
  int64_t total = 0;
  for (const std::string& file : all_files(options.files)) {
    sources.push_back(open_source(file));
    total += sources.back()->size();
  }
  GEMEL_CHECK(
      options.num_parts > 0 && options.part_index >= 0 && options.part_index < options.num_parts,
      "expected part_index below num_parts, got {} of {}", options.part_index, options.num_parts);
  // Parts are of as many bytes each; a record belongs to the part in which it begins.
  const int64_t step = (total / options.num_parts + 1 + 3) / 4 * 4;
  const int64_t begin = std::min(total, step * options.part_index),
                end = std::min(total, step * (options.part_index + 1));
  int64_t start = 0;
  for (auto& source : sources) {
    const int64_t size = source->size();
    readers_.emplace_back(std::move(source), options.on_damage);
    const int64_t from = std::clamp<int64_t>(begin - start, 0, size);
    readers_.back().set_range(from, std::clamp<int64_t>(end - start, from, size));
    start += size;
  }
  if (out_of_order_) places_ = all_places(options);
  this->start(0, 0);
}

std::vector<RecordSequence::Place> RecordSequence::all_places(const Options& options) {
  std::vector<Place> places;
  if (!options.index.empty()) {
    GEMEL_CHECK(readers_.size() == 1, "{}: an index belongs to one file, got {}", options.index,
                readers_.size());
    const RecordIndex index = read_record_index(options.index);
    const auto count = static_cast<int64_t>(index.size());
    for (int64_t i = count * options.part_index / options.num_parts;
         i < count * (options.part_index + 1) / options.num_parts; ++i)
      places.push_back({0, index[i].second});
    readers_[0].set_range(0, readers_[0].source().size());
    return places;
  }
  std::span<const std::byte> record;
  for (size_t i = 0; i < readers_.size(); ++i) {
    readers_[i].reset();
    while (readers_[i].next(record))
      places.push_back({static_cast<int32_t>(i), readers_[i].start()});
  }
  return places;
}

void RecordSequence::start(int64_t epoch, int64_t position) {
  epoch_ = epoch;
  position_ = 0;
  current_ = 0;
  for (auto& reader : readers_) reader.reset();
  if (out_of_order_) {
    order_ = places_;
    if (shuffle_) {
      const kernels::Philox random(seed_, static_cast<uint64_t>(epoch) << 32);
      for (size_t i = order_.size(); i > 1; --i)
        std::swap(order_[i - 1], order_[random.bits64(i) % i]);
    }
    position_ = position;
    return;
  }
  std::span<const std::byte> record;
  while (position_ < position && next(record)) {
  }
}

bool RecordSequence::next_in_order(std::span<const std::byte>& record) {
  for (; current_ < readers_.size(); ++current_)
    if (readers_[current_].next(record)) return true;
  return false;
}

bool RecordSequence::next(std::span<const std::byte>& record) {
  if (!out_of_order_) {
    const bool found = next_in_order(record);
    position_ += found;
    return found;
  }
  if (position_ >= static_cast<int64_t>(order_.size())) return false;
  const Place place = order_[static_cast<size_t>(position_++)];
  current_ = static_cast<size_t>(place.file);
  readers_[current_].seek(place.offset);
  if (!readers_[current_].next(record))
    fail(ErrorKind::Input, "{}: there is no record at byte {}, where the index says one is",
         readers_[current_].source().name(), place.offset);
  return true;
}

std::string RecordSequence::where() const {
  if (current_ >= readers_.size()) return "";
  return fmt::format("{}, record {}", readers_[current_].source().name(), position_ - 1);
}

int64_t RecordSequence::damaged() const {
  int64_t sum = 0;
  for (const auto& reader : readers_) sum += reader.damaged();
  return sum;
}

}  // namespace gemel::data
