// A key-value store of this process: arrays by key, summed over devices. What is pushed is read and
// what is pulled is written by engine tasks, so a caller may overwrite its array at once.
//
// Keys are all integers or all texts. Not for two threads at once, except where an updater calls
// back.
#pragma once
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "array/sparse.h"
#include "base/export.h"

namespace gemel::kvstore {

using Key = std::variant<int, std::string>;
GEMEL_EXPORT std::string to_string(const Key& key);

// Gets the sum of what was pushed and the stored array, which it changes.
using Updater = std::function<void(const Key& key, const NDArray& received, const NDArray& stored)>;

class GEMEL_EXPORT LocalStore {
 public:
  // "local", "device" or one of their older names; throws Error(Input).
  explicit LocalStore(std::string type);

  const std::string& type() const { return type_; }
  // Stores a copy. A key that is there already is Error(Input). `type` is what callers see the
  // value as: its memory is dense.
  void init(const Key& key, const NDArray& value, StorageType type = StorageType::dense);
  StorageType storage_type(const Key& key);
  // Sums the arrays of each key (a key may occur more than once) and stores the sums, or hands them
  // to the updater. All arrays of a key have the stored one's shape.
  void push(std::span<const Key> keys, std::span<const NDArray> values);
  // Copies stored values into `targets`.
  void pull(std::span<const Key> keys, std::span<const NDArray> targets, int priority = 0);
  // The rows of a row_sparse value that `row_ids` names, in order, each once. Waits. Throws
  // Error(Input) for a dense value, Error(Index) for a row that does not exist.
  SparseArray pull_rows(const Key& key, const NDArray& row_ids);
  // None: sums are stored.
  void set_updater(Updater updater) { updater_ = std::move(updater); }

 private:
  void check_kind(const Key& key);
  struct Value {
    NDArray array;
    StorageType type;
  };
  const Value& value(const Key& key);
  const NDArray& stored(const Key& key) { return value(key).array; }
  std::string type_;
  std::map<Key, Value> values_;
  std::optional<size_t> kind_;  // of the keys
  Updater updater_;
};

}  // namespace gemel::kvstore
