// Sparse samples in text: one a line, a label and then the values that are not zero, as
// `column:value`. Columns count from 0.
#include <charconv>
#include <numeric>

#include "base/io.h"
#include "data/files.h"
#include "data/memory_batches.h"

namespace gemel::data {
namespace {

struct LibsvmParameters : CommonParameters {
  using P = LibsvmParameters;
  std::string data_libsvm, label_libsvm;
  Shape data_shape, label_shape;
  int num_parts = 1, part_index = 0, batch_size = 0;
  bool round_batch = true;
  static void declare(Fields<P>& f) {
    f.field("data_libsvm", &P::data_libsvm)
        .doc("File of the samples, or a folder of such files; columns count from 0.");
    f.field("data_shape", &P::data_shape).doc("Columns of a sample.");
    f.field("label_libsvm", &P::label_libsvm)
        .fallback("NULL")
        .doc("File or folder of sparse labels; NULL for the first number of each sample's line.");
    f.field("label_shape", &P::label_shape).fallback("[1]").doc("Columns of a sparse label.");
    f.field("num_parts", &P::num_parts).fallback("1").doc("Into how many parts the lines are cut.");
    f.field("part_index", &P::part_index).fallback("0").doc("The part that is read.");
    f.field("batch_size", &P::batch_size).range(1, 1 << 30).doc("Samples in a batch.").type =
        "int (non-negative)";
    f.field("round_batch", &P::round_batch)
        .fallback("1")
        .doc("The last batch is filled up from the start; nothing else is there.");
    declare_common(f);
  }
};

// A csr matrix, and the first number of each line.
struct Matrix {
  int64_t columns = 0;
  std::vector<float> values, first;
  std::vector<int64_t> column, begin{0};
};

const char* number(const char* at, const char* end, auto& value) {
  while (at != end && (*at == ' ' || *at == '\t' || *at == '+')) ++at;
  const auto [after, error] = std::from_chars(at, end, value);
  return error == std::errc() ? after : nullptr;
}

// Appends a line; false where it is no label with pairs of columns in order.
bool parse_line(std::string_view line, Matrix& m) {
  const char *at = line.data(), *end = at + line.size();
  if (!(at = number(at, end, m.first.emplace_back()))) return false;
  int64_t before = -1;
  while (at != end) {
    int64_t column = 0;
    at = number(at, end, column);
    if (!at || at == end || *at != ':' || column <= before || column >= m.columns) return false;
    if (!(at = number(at + 1, end, m.values.emplace_back()))) return false;
    m.column.push_back(before = column);
  }
  m.begin.push_back(static_cast<int64_t>(m.column.size()));
  return true;
}

// The lines of all files that begin in one of `parts` equal stretches of their bytes.
Matrix read(const std::string& where, const Shape& shape, int parts, int part) {
  GEMEL_CHECK(shape.ndim() == 1 && shape[0] > 0, "[LibSVMIter] expected a shape (columns,), got {}",
              shape);
  GEMEL_CHECK(parts > 0 && part >= 0 && part < parts,
              "[LibSVMIter] expected part_index from 0 to below num_parts, got {} of {}", part,
              parts);
  Matrix matrix;
  matrix.columns = shape[0];
  std::vector<std::pair<std::string, std::string>> texts;
  size_t total = 0, passed = 0;
  for (const std::string& file : files_of(where, "LibSVMIter")) {
    Reader reader = Reader::open(file);
    texts.emplace_back(file, reader.read_string(reader.size(), "the text"));
    total += texts.back().second.size();
  }
  const size_t step = (total + static_cast<size_t>(parts) - 1) / static_cast<size_t>(parts);
  const size_t from = step * static_cast<size_t>(part), to = from + step;
  for (const auto& [file, text] : texts) {
    for_each_line(text, [&, &file = file](std::string_view line, int64_t, size_t begin) {
      const size_t at = passed + begin;
      if (at < from || at >= to) return;
      GEMEL_CHECK(parse_line(line, matrix),
                  "[LibSVMIter] expected a label and pairs column:value with columns in order from "
                  "0 to below {} in {}, got '{}'",
                  matrix.columns, file, line.substr(0, 60));
    });
    passed += text.size();
  }
  GEMEL_CHECK(!matrix.first.empty(), "[LibSVMIter] expected at least one line, got none in {}",
              where);
  return matrix;
}

template <typename T>
NDArray array_of(const std::vector<T>& values, DType dtype) {
  NDArray array(Shape{static_cast<int64_t>(values.size())}, dtype);
  if (!values.empty()) array.copy_from_host(values.data(), array.bytes());
  return array;
}

// Batches of rows; a csr matrix is its values, their columns and where each row begins.
class LibsvmBatches final : public Iterator {
 public:
  explicit LibsvmBatches(const LibsvmParameters& p) : batch_size_(p.batch_size), dtype_(p.dtype) {
    GEMEL_CHECK(p.round_batch, "[LibSVMIter] expected round_batch=True, got False");
    data_ = read(p.data_libsvm, p.data_shape, p.num_parts, p.part_index);
    if (p.label_libsvm == "NULL") return;
    label_ = read(p.label_libsvm, p.label_shape, p.num_parts, p.part_index);
    GEMEL_CHECK(label_.first.size() == data_.first.size(),
                "[LibSVMIter] expected a label for each of {} samples, got {} in {}",
                data_.first.size(), label_.first.size(), p.label_libsvm);
  }

  void reset() override { cursor_ = next_start_; }

  bool next(Batch& batch) override {
    const auto size = static_cast<int64_t>(data_.first.size());
    if (cursor_ >= size) return false;
    std::vector<int64_t> rows(static_cast<size_t>(batch_size_));
    for (int64_t i = 0; i < batch_size_; ++i) rows[static_cast<size_t>(i)] = (cursor_ + i) % size;
    cursor_ += batch_size_;
    batch.pad = std::max<int64_t>(cursor_ - size, 0);
    if (cursor_ >= size) next_start_ = cursor_ % size;
    batch.index.assign(rows.begin(), rows.end());
    batch.data = parts(data_, rows);
    if (label_.columns) {
      batch.label = parts(label_, rows);
    } else {
      std::vector<float> labels;
      for (int64_t row : rows) labels.push_back(data_.first[static_cast<size_t>(row)]);
      batch.label = {array_of(labels, DType::float32)};
    }
    return true;
  }

  std::vector<int64_t> position() const override { return {cursor_, next_start_}; }
  void set_position(const std::vector<int64_t>& position) override {
    GEMEL_CHECK(position.size() == 2 && position[0] >= 0 && position[1] >= 0,
                "[LibSVMIter] expected a state that state_dict() of such an iterator gave");
    cursor_ = position[0];
    next_start_ = position[1] % static_cast<int64_t>(data_.first.size());
  }

  std::vector<Description> data_description() const override {
    return {{"data", {batch_size_, data_.columns}, type()}};
  }
  std::vector<Description> label_description() const override {
    if (label_.columns) return {{"softmax_label", {batch_size_, label_.columns}, type()}};
    return {{"softmax_label", {batch_size_}, DType::float32}};
  }

 private:
  DType type() const { return dtype_ == DType::none ? DType::float32 : dtype_; }

  std::vector<NDArray> parts(const Matrix& m, const std::vector<int64_t>& rows) const {
    std::vector<float> values;
    std::vector<int64_t> column, begin{0};
    for (int64_t row : rows) {
      const int64_t from = m.begin[static_cast<size_t>(row)];
      const int64_t to = m.begin[static_cast<size_t>(row) + 1];
      values.insert(values.end(), m.values.begin() + from, m.values.begin() + to);
      column.insert(column.end(), m.column.begin() + from, m.column.begin() + to);
      begin.push_back(static_cast<int64_t>(column.size()));
    }
    return {converted(array_of(values, DType::float32), dtype_), array_of(column, DType::int64),
            array_of(begin, DType::int64)};
  }

  Matrix data_, label_;
  int64_t batch_size_, cursor_ = 0, next_start_ = 0;
  DType dtype_;
};

const IteratorRegistration libsvm_iterator(
    {"LibSVMIter",
     "Batches of sparse samples from text files with one sample a line: a label, then "
     "column:value for what is not zero, with columns from 0 in order. The data is csr; labels are "
     "a dense array, or csr where they have a file of their own.",
     make_spec<LibsvmParameters>(), [](const Parameters& p) -> std::unique_ptr<Iterator> {
       return std::make_unique<LibsvmBatches>(static_cast<const LibsvmParameters&>(p));
     }});

}  // namespace
}  // namespace gemel::data
