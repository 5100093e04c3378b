// Numbers in text: one sample a line, values separated by commas.
#include <algorithm>
#include <charconv>
#include <numeric>

#include "base/io.h"
#include "data/files.h"
#include "data/memory_batches.h"

namespace gemel::data {
namespace {

struct CsvParameters : CommonParameters {
  using P = CsvParameters;
  std::string data_csv, label_csv;
  Shape data_shape, label_shape;
  int batch_size = 0;
  bool round_batch = true;
  static void declare(Fields<P>& f) {
    f.field("data_csv", &P::data_csv).doc("File of the samples, or a folder of such files.");
    f.field("data_shape", &P::data_shape).doc("Shape of one sample.");
    f.field("label_csv", &P::label_csv)
        .fallback("NULL")
        .doc("File or folder of the labels; NULL for zeros.");
    f.field("label_shape", &P::label_shape).fallback("[1]").doc("Shape of one label.");
    f.field("batch_size", &P::batch_size).range(1, 1 << 30).doc("Samples in a batch.").type =
        "int (non-negative)";
    f.field("round_batch", &P::round_batch)
        .fallback("1")
        .doc(
            "Fill the last batch up from the start and begin the next epoch after what was taken.");
    declare_common(f);
  }
};

// Appends the numbers of one line; false where something else stands in it.
template <typename T>
bool parse_line(std::string_view line, std::vector<T>& values) {
  const char *at = line.data(), *end = at + line.size();
  const auto skip_spaces = [&] {
    while (at != end && (*at == ' ' || *at == '\t' || *at == '+')) ++at;
  };
  while (true) {
    skip_spaces();
    T value{};
    const auto [after, error] = std::from_chars(at, end, value);
    if (error != std::errc()) return false;
    values.push_back(value);
    at = after;
    skip_spaces();
    if (at == end) return true;
    if (*at++ != ',') return false;
  }
}

// The numbers of all lines as an array (lines, sample...).
template <typename T>
NDArray read_csv(const std::string& where, const Shape& sample, DType dtype) {
  const int64_t width = sample.size();
  GEMEL_CHECK(width > 0, "[CSVIter] expected a shape without unknown or empty axes, got {}",
              sample);
  std::vector<T> values;
  for (const std::string& file : files_of(where, "CSVIter")) {
    Reader reader = Reader::open(file);
    const std::string text = reader.read_string(reader.size(), "the text");
    for_each_line(text, [&](std::string_view line, int64_t number, size_t) {
      const size_t before = values.size();
      GEMEL_CHECK(parse_line(line, values),
                  "[CSVIter] expected numbers separated by commas in line {} of {}, got '{}'",
                  number, file, line.substr(0, 60));
      GEMEL_CHECK(static_cast<int64_t>(values.size() - before) == width,
                  "[CSVIter] expected {} numbers for shape {} in line {} of {}, got {}", width,
                  sample, number, file, values.size() - before);
    });
  }
  Shape shape{static_cast<int64_t>(values.size()) / width};
  GEMEL_CHECK(shape[0] > 0, "[CSVIter] expected at least one line of numbers, got none in {}",
              where);
  for (int axis = 0; axis < sample.ndim(); ++axis) shape.push_back(sample[axis]);
  NDArray array(shape, dtype);
  array.copy_from_host(values.data(), array.bytes());
  return array;
}

NDArray read_csv(const std::string& where, const Shape& sample, DType dtype) {
  if (dtype == DType::int32) return read_csv<int32_t>(where, sample, dtype);
  if (dtype == DType::int64) return read_csv<int64_t>(where, sample, dtype);
  if (dtype == DType::float64) return read_csv<double>(where, sample, dtype);
  return converted(read_csv<float>(where, sample, DType::float32), dtype);
}

std::unique_ptr<Iterator> make_csv(const Parameters& parameters) {
  const auto& p = static_cast<const CsvParameters&>(parameters);
  Samples samples;
  samples.data = read_csv(p.data_csv, p.data_shape, p.dtype);
  const int64_t count = samples.data.shape()[0];
  if (p.label_csv == "NULL") {
    Shape shape{count};
    for (int axis = 0; axis < p.label_shape.ndim(); ++axis) shape.push_back(p.label_shape[axis]);
    samples.label = NDArray(shape, samples.data.dtype());
    const std::vector<std::byte> zeros(samples.label.bytes());
    samples.label.copy_from_host(zeros.data(), samples.label.bytes());
  } else {
    samples.label = read_csv(p.label_csv, p.label_shape, p.dtype);
    GEMEL_CHECK(samples.label.shape()[0] == count,
                "[CSVIter] expected a label for each of {} samples, got {} in {}", count,
                samples.label.shape()[0], p.label_csv);
  }
  if (p.label_shape.ndim() == 1 && p.label_shape[0] == 1)
    samples.label = samples.label.reshape(Shape{count});  // one label a sample: no axis for it
  samples.index.resize(count);
  std::iota(samples.index.begin(), samples.index.end(), 0);
  return std::make_unique<MemoryBatches>(std::move(samples), p.batch_size,
                                         p.round_batch ? LastBatch::round : LastBatch::keep);
}

const IteratorRegistration csv_iterator(
    {"CSVIter",
     "Batches of samples from text files with one sample a line, its numbers separated by commas. "
     "int32, int64 and float64 are read as such, other types as float32.",
     make_spec<CsvParameters>(), make_csv});

}  // namespace
}  // namespace gemel::data
