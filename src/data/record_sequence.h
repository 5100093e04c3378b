// The records of one or several files in the order of an epoch.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "data/record_io.h"

namespace gemel::data {

// Files one after another, of which one part is read; in order, or in an order that the seed and
// the epoch's number give.
class RecordSequence {
 public:
  struct Options {
    std::string files;  // a path, several with ';' between, or a folder
    std::string index;  // of the one file, or empty
    int64_t num_parts = 1, part_index = 0;
    bool shuffle = false;
    uint64_t seed = 0;
    OnDamage on_damage = OnDamage::stop;
  };
  explicit RecordSequence(const Options& options);

  // The epoch `epoch` from its record number `position` on.
  void start(int64_t epoch, int64_t position);
  // Of the record that next() gives.
  int64_t epoch() const { return epoch_; }
  int64_t position() const { return position_; }
  // False at the end of the epoch. `record` is valid until the next call.
  bool next(std::span<const std::byte>& record);
  // "file, record 0" of the record that next() gave last.
  std::string where() const;
  int64_t damaged() const;

 private:
  struct Place {
    int32_t file;
    int64_t offset;
  };
  bool next_in_order(std::span<const std::byte>& record);
  std::vector<Place> all_places(const Options& options);

  std::vector<RecordReader> readers_;
  std::vector<Place> places_, order_;  // empty unless records are read out of order
  bool shuffle_, out_of_order_;
  uint64_t seed_;
  int64_t epoch_ = 0, position_ = 0;
  size_t current_ = 0;
};

}  // namespace gemel::data
