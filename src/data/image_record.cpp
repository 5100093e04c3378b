// Index files and the header of image records.
#include <charconv>
#include <cstring>

#include "data/files.h"
#include "data/record_io.h"

namespace gemel::data {

RecordIndex read_record_index(std::string_view path) {
  const std::string text = read_file(path);
  RecordIndex index;
  for_each_line(text, [&](std::string_view line, int64_t number, size_t) {
    const size_t gap = line.find_last_of("\t ");
    int64_t offset = -1;
    const char* last = line.data() + line.size();
    const char* start = gap == std::string_view::npos ? last : line.data() + gap + 1;
    const auto [after, error] = std::from_chars(start, last, offset);
    GEMEL_CHECK(error == std::errc() && after == last && offset >= 0,
                "{}, line {}: expected a key, a tab and an offset, got '{}'", path, number,
                line.substr(0, 60));
    std::string_view key = line.substr(0, gap);
    while (!key.empty() && (key.back() == '\t' || key.back() == ' ')) key.remove_suffix(1);
    index.emplace_back(std::string(key), offset);
  });
  return index;
}

ImageRecord unpack_image_record(std::span<const std::byte> record, std::string_view where) {
  Reader reader(record, std::string(where));
  const auto flag = reader.read<uint32_t>("the header of an image record");
  ImageRecord result;
  result.labels.assign(1, reader.read<float>("the header of an image record"));
  result.id = reader.read<uint64_t>("the header of an image record");
  result.id2 = reader.read<uint64_t>("the header of an image record");
  if (flag > 0) {
    reader.require(int64_t{flag} * 4, "the labels of an image record");
    result.labels.resize(flag);
    reader.read_into(result.labels.data(), int64_t{flag} * 4, "the labels of an image record");
  }
  result.content = record.subspan(static_cast<size_t>(reader.position()));
  return result;
}

std::string pack_image_record(const ImageRecord& record) {
  const bool one = record.labels.size() == 1;
  std::string result;
  const auto append = [&](const void* data, size_t bytes) {
    result.append(static_cast<const char*>(data), bytes);
  };
  const auto flag = one ? 0u : static_cast<uint32_t>(record.labels.size());
  const float label = one ? record.labels[0] : 0.0f;
  append(&flag, 4);
  append(&label, 4);
  append(&record.id, 8);
  append(&record.id2, 8);
  if (!one) append(record.labels.data(), record.labels.size() * 4);
  append(record.content.data(), record.content.size());
  return result;
}

}  // namespace gemel::data
