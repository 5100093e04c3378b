// Iterators over batches of samples, by name and with typed parameters, for every language.
//
//   auto batches = data::make_iterator("CSVIter", {{"data_csv", "a.csv"}, ...});
//   for (data::Batch batch; batches->next(batch);) use(batch.data[0], batch.label[0]);
//
// An iterator is not for use by two threads at once. A file that is missing or damaged is an Error
// that names it, at construction.
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "array/ndarray.h"
#include "base/export.h"
#include "op/parameters.h"

namespace gemel::data {

struct Batch {
  std::vector<NDArray> data, label;
  std::vector<uint64_t> index;  // number of each sample
  int64_t pad = 0;              // how many samples at the end only fill the batch up
};

// One array of a batch; the shape begins with the batch size.
struct Description {
  std::string name;
  Shape shape;
  DType dtype;
};

class GEMEL_EXPORT Iterator {
 public:
  virtual ~Iterator();
  virtual void reset() = 0;
  // False at the end of the epoch. The arrays are new ones: the caller may keep or change them.
  virtual bool next(Batch& batch) = 0;
  virtual std::vector<Description> data_description() const = 0;
  virtual std::vector<Description> label_description() const = 0;
  // Where the next batch begins, as numbers that set_position() of an iterator with the same
  // parameters takes: it then gives the same batches. Error(Input) where a kind cannot.
  virtual std::vector<int64_t> position() const;
  virtual void set_position(const std::vector<int64_t>& position);
  // Damaged samples that were passed over since it was made.
  virtual int64_t damaged() const { return 0; }
};

struct IteratorInfo {
  std::string name, doc;
  ParameterSpec spec;
  std::function<std::unique_ptr<Iterator>(const Parameters&)> make;
};

// All kinds, sorted by name.
GEMEL_EXPORT const std::vector<IteratorInfo>& iterators();
// An unknown kind, and an unknown, missing or wrong parameter, are Errors that name the kind.
GEMEL_EXPORT std::unique_ptr<Iterator> make_iterator(std::string_view name,
                                                     const Attributes& parameters);

// For the files that define iterators: IteratorRegistration r({...}) at namespace scope.
struct IteratorRegistration {
  explicit IteratorRegistration(IteratorInfo info);
};

}  // namespace gemel::data
