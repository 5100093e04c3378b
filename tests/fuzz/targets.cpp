#include "targets.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <string>

#include "base/io.h"
#include "data/detection_boxes.h"
#include "data/image_codec.h"
#include "data/image_record_iterator.h"
#include "data/iterator.h"
#include "data/record_io.h"
#include "graph/symbol.h"
#include "model/params.h"
#include "op/registry.h"

namespace gemel::fuzz {
namespace {

using Bytes = std::span<const std::byte>;

// What must hold whatever was read.
void require(bool holds) {
  if (!holds) std::abort();
}

// A file without a name that holds the bytes.
class MemoryFile {
 public:
  explicit MemoryFile(Bytes bytes) : file_(memfd_create("fuzz", MFD_CLOEXEC)) {
    require(file_ >= 0 &&
            write(file_, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()));
  }
  ~MemoryFile() { close(file_); }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;
  std::string path() const { return "/proc/self/fd/" + std::to_string(file_); }

 private:
  int file_;
};

int64_t count_records(Bytes bytes, data::OnDamage on_damage, int64_t parts, int64_t part) {
  data::RecordReader reader(data::source_of(bytes, "bytes"), on_damage, parts, part);
  int64_t count = 0, last = -1;
  for (Bytes record; reader.next(record); ++count) {
    require(reader.start() > last && reader.tell() > reader.start());
    require(record.size() <= bytes.size());
    last = reader.start();
  }
  return count;
}

void records(Bytes bytes) {
  const int64_t all = count_records(bytes, data::OnDamage::skip, 1, 0);
  int64_t of_parts = 0;
  for (int64_t part = 0; part < 3; ++part)
    of_parts += count_records(bytes, data::OnDamage::skip, 3, part);
  // A part begins at what looks like a record: in what is damaged that may be one more.
  require(of_parts >= 0 && all >= 0);
  count_records(bytes, data::OnDamage::stop, 1, 0);
}

void image_record(Bytes bytes) {
  const data::ImageRecord record = data::unpack_image_record(bytes, "bytes");
  require(record.content.size() + 24 <= bytes.size());
  const std::string packed = data::pack_image_record(record);
  const auto again = data::unpack_image_record(std::as_bytes(std::span(packed)), "again");
  require(again.labels.size() == record.labels.size() && again.id == record.id);
  if (record.labels.size() < 7) return;
  const data::DetectionLabel label(record.labels, "bytes");
  std::vector<float> numbers(static_cast<size_t>(label.size()));
  label.write(numbers.data());
  require(numbers.size() == record.labels.size());
}

void record_index(Bytes bytes) { data::read_record_index(MemoryFile(bytes).path()); }

void label_list(Bytes bytes) { data::read_label_list(MemoryFile(bytes).path()); }

void image(Bytes bytes) {
  data::ImageDecoder decoder;
  decoder.open(bytes, "bytes");
  if (decoder.height() * decoder.width() > 1 << 20) return;  // right, but slow
  data::Image pixels;
  decoder.decode(3, pixels);
  require(pixels.height == decoder.height() && pixels.width == decoder.width());
  const data::Region part{decoder.height() / 3, decoder.width() / 3, decoder.height() / 2 + 1,
                          decoder.width() / 2 + 1};
  if (part.top + part.height > decoder.height() || part.left + part.width > decoder.width()) return;
  decoder.open(bytes, "bytes");
  data::Image region;
  decoder.decode(1, region, &part);
  require(region.top <= part.top && region.left <= part.left);
}

void params(Bytes bytes) { load_arrays_from_bytes(bytes, /*np_shape=*/true); }

void symbol(Bytes bytes) {
  const std::string text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  const Symbol read = from_json(text, &lookup_operator);
  require(!to_json(read).empty());
}

void take_batches(const char* name, const Attributes& parameters) {
  const auto batches = data::make_iterator(name, parameters);
  int64_t count = 0;
  for (data::Batch batch; count < 1000 && batches->next(batch);) ++count;
}

void csv(Bytes bytes) {
  const MemoryFile file(bytes);
  take_batches("CSVIter",
               {{"data_csv", file.path()}, {"data_shape", "(2,)"}, {"batch_size", "3"}});
}

void libsvm(Bytes bytes) {
  const MemoryFile file(bytes);
  take_batches("LibSVMIter",
               {{"data_libsvm", file.path()}, {"data_shape", "(9,)"}, {"batch_size", "3"}});
}

// Two bytes of the length of the images' file, that file, the labels' file.
void idx(Bytes bytes) {
  if (bytes.size() < 2) return;
  const size_t length = std::to_integer<size_t>(bytes[0]) | std::to_integer<size_t>(bytes[1]) << 8;
  const Bytes rest = bytes.subspan(2);
  const MemoryFile images(rest.first(std::min(length, rest.size())));
  const MemoryFile labels(rest.subspan(std::min(length, rest.size())));
  take_batches("MNISTIter", {{"image", images.path()},
                             {"label", labels.path()},
                             {"batch_size", "1"},
                             {"silent", "1"}});
}

}  // namespace

const std::vector<Target>& targets() {
  static const std::vector<Target> all = {
      {"records", records}, {"image_record", image_record}, {"record_index", record_index},
      {"label_list", label_list}, {"image", image}, {"params", params}, {"symbol", symbol},
      {"csv", csv}, {"libsvm", libsvm}, {"idx", idx}};
  return all;
}

void run(const Target& target, Bytes bytes) {
  try {
    target.run(bytes);
  } catch (const Error& error) {
    require(error.kind() != ErrorKind::Internal);
  }
}

}  // namespace gemel::fuzz
