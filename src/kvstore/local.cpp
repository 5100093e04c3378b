#include "kvstore/local.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "runtime/invoke.h"

namespace gemel::kvstore {
namespace {

constexpr std::array<std::string_view, 5> local_types = {
    "local", "device", "local_update_cpu", "local_allreduce_cpu", "local_allreduce_device"};

NDArray on_device(const NDArray& array, Device device) {
  return array.device() == device ? array : array.copy(device);
}

// The sum on one device; a single array is itself.
NDArray sum_of(const std::vector<NDArray>& arrays, Device device) {
  NDArray total = on_device(arrays[0], device);
  for (size_t i = 1; i < arrays.size(); ++i) {
    const NDArray in[2] = {total, on_device(arrays[i], device)};
    total = runtime::invoke("elemwise_add", in)[0];
  }
  return total;
}

}  // namespace

std::string to_string(const Key& key) {
  if (const int* number = std::get_if<int>(&key)) return std::to_string(*number);
  return std::get<std::string>(key);
}

LocalStore::LocalStore(std::string type) : type_(std::move(type)) {
  GEMEL_CHECK(std::find(local_types.begin(), local_types.end(), type_) != local_types.end(),
              "[kvstore] expected one of {}, got unknown type '{}'", fmt::join(local_types, ", "),
              type_);
}

void LocalStore::check_kind(const Key& key) {
  if (!kind_) kind_ = key.index();
  GEMEL_CHECK(*kind_ == key.index(),
              "[kvstore] expected {} keys as before, got '{}': Mixed key types are not allowed",
              *kind_ == 0 ? "integer" : "text", to_string(key));
}

const LocalStore::Value& LocalStore::value(const Key& key) {
  check_kind(key);
  const auto found = values_.find(key);
  GEMEL_CHECK(found != values_.end(),
              "[kvstore] key {} has not been inited: call init or broadcast with it first",
              to_string(key));
  return found->second;
}

void LocalStore::init(const Key& key, const NDArray& value, StorageType type) {
  check_kind(key);
  GEMEL_CHECK(!values_.contains(key),
              "[kvstore] duplicate init of key {}: init and broadcast give a key its first value",
              to_string(key));
  values_.emplace(key, Value{value.copy(), type});
}

StorageType LocalStore::storage_type(const Key& key) { return value(key).type; }

void LocalStore::push(std::span<const Key> keys, std::span<const NDArray> values) {
  std::vector<std::pair<Key, std::vector<NDArray>>> groups;
  for (size_t i = 0; i < keys.size(); ++i) {
    const NDArray& target = stored(keys[i]);
    GEMEL_CHECK(values[i].shape() == target.shape(),
                "[kvstore] push of key {}: expected shape {}, got {}", to_string(keys[i]),
                target.shape(), values[i].shape());
    const auto group = std::find_if(groups.begin(), groups.end(),
                                    [&](const auto& other) { return other.first == keys[i]; });
    if (group == groups.end())
      groups.push_back({keys[i], {values[i]}});
    else
      group->second.push_back(values[i]);
  }
  for (const auto& [key, arrays] : groups) {
    const NDArray target = stored(key);
    const NDArray total = sum_of(arrays, target.device());
    if (updater_)
      updater_(key, total, target);
    else
      total.copy_to(target);
  }
}

void LocalStore::pull(std::span<const Key> keys, std::span<const NDArray> targets, int priority) {
  for (size_t i = 0; i < keys.size(); ++i) {
    const NDArray& source = stored(keys[i]);
    GEMEL_CHECK(targets[i].shape() == source.shape(),
                "[kvstore] pull of key {}: expected an array of shape {}, got {}",
                to_string(keys[i]), source.shape(), targets[i].shape());
    source.copy_to(targets[i], priority);
  }
}

SparseArray LocalStore::pull_rows(const Key& key, const NDArray& row_ids) {
  const Value& source = value(key);
  GEMEL_CHECK(
      source.type == StorageType::row_sparse,
      "[kvstore] row_sparse_pull of key {}: expected value of row_sparse storage, got {}: use "
      "pull",
      to_string(key), name_of(source.type));
  const NDArray wide = runtime::invoke("Cast", std::span(&row_ids, 1), {{"dtype", "int64"}})[0];
  wide.wait_to_read();
  std::vector<int64_t> rows(wide.data<int64_t>(), wide.data<int64_t>() + wide.size());
  std::sort(rows.begin(), rows.end());
  rows.erase(std::unique(rows.begin(), rows.end()), rows.end());
  const Shape& shape = source.array.shape();
  if (!rows.empty() && (rows.front() < 0 || rows.back() >= shape[0]))
    fail(ErrorKind::Index, "[kvstore] row_sparse_pull of key {}: row {} lies outside of {} rows",
         to_string(key), rows.front() < 0 ? rows.front() : rows.back(), shape[0]);
  SparseArray result =
      sparse_zeros(source.type, shape, source.array.dtype(), source.array.device());
  if (rows.empty()) return result;
  result.indices = NDArray({static_cast<int64_t>(rows.size())}, DType::int64, result.device());
  result.indices.copy_from_host(rows.data(), result.indices.bytes());
  const NDArray in[2] = {source.array, result.indices};
  result.data = runtime::invoke("take", in, {{"axis", "0"}})[0];
  return result;
}

}  // namespace gemel::kvstore
