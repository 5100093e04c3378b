// KVStore of this process.
#include <cstdlib>
#include <map>
#include <string_view>

#include "c_api/objects.h"
#include "kvstore/local.h"

namespace gemel::c_api {
namespace {

using kvstore::Key;
using kvstore::LocalStore;

struct StoreObject {
  std::shared_ptr<LocalStore> store;
  // How the values of the push that runs were stored, by key.
  std::shared_ptr<std::map<Key, StorageType>> pushed =
      std::make_shared<std::map<Key, StorageType>>();
};
using Stores = Table<StoreObject, Kind::store>;

// Kept while a call runs, so that a callback may free the handle.
std::shared_ptr<LocalStore> store_of(KVStoreHandle handle) {
  return Stores::instance().get(handle).store;
}

template <typename T>
std::vector<Key> keys_of(const T* keys, uint32_t count) {
  std::vector<Key> made;
  if (count > 0) given(keys, "the keys");
  for (uint32_t i = 0; i < count; ++i) {
    if constexpr (std::is_same_v<T, int>)
      made.emplace_back(keys[i]);
    else
      made.emplace_back(text_of(keys[i], "a key"));
  }
  return made;
}

StorageType storage_type_of(const void* handle) {
  return is_sparse(handle) ? sparse_of(handle)->type() : StorageType::dense;
}

void* typed_handle(const NDArray& values, StorageType type) {
  if (type == StorageType::dense) return new_handle(values);
  return SparseArrays::instance().add(std::make_shared<SparseObject>(type, values));
}

template <typename T>
void init_store(KVStoreHandle handle, uint32_t count, const T* keys, NDArrayHandle* values) {
  const auto store = store_of(handle);
  const auto list = keys_of(keys, count);
  const auto arrays = arrays_of(values, count, "the values");
  for (uint32_t i = 0; i < count; ++i) store->init(list[i], arrays[i], storage_type_of(values[i]));
}

template <typename T>
void push_store(KVStoreHandle handle, uint32_t count, const T* keys, NDArrayHandle* values) {
  const auto list = keys_of(keys, count);
  const auto arrays = arrays_of(values, count, "the values");
  const StoreObject object = Stores::instance().get(handle);
  object.pushed->clear();
  for (uint32_t i = 0; i < count; ++i) {
    const StorageType type = storage_type_of(values[i]);
    const auto known = object.pushed->try_emplace(list[i], type).first;
    if (known->second != type) known->second = StorageType::dense;
  }
  object.store->push(list, arrays);
}

// With `ignore_sparse` sparse values stay where they are: pull_store_rows() fetches them.
template <typename T>
void pull_store(KVStoreHandle handle, uint32_t count, const T* keys, NDArrayHandle* targets,
                int priority, bool ignore_sparse = true) {
  const auto store = store_of(handle);
  const auto list = keys_of(keys, count);
  const auto arrays = arrays_of(targets, count, "the targets");
  for (uint32_t i = 0; i < count; ++i) {
    if (ignore_sparse && store->storage_type(list[i]) != StorageType::dense) continue;
    store->pull(std::span(&list[i], 1), std::span(&arrays[i], 1), priority);
  }
}

template <typename T>
void pull_store_rows(KVStoreHandle handle, uint32_t count, const T* keys, NDArrayHandle* targets,
                     const NDArrayHandle* row_ids) {
  const auto store = store_of(handle);
  const auto list = keys_of(keys, count);
  if (count > 0) given(targets, "the targets");
  if (count > 0) given(row_ids, "the rows");
  for (uint32_t i = 0; i < count; ++i) {
    GEMEL_CHECK(is_sparse(targets[i]) && sparse_of(targets[i])->type() == StorageType::row_sparse,
                "[{}] expected row_sparse targets, got another storage type", current_function);
    sparse_of(targets[i])->assign(store->pull_rows(list[i], filled_array(row_ids[i])));
  }
}

void set_store_updater(KVStoreHandle handle, MXKVStoreUpdater* updater,
                       MXKVStoreStrUpdater* text_updater, void* state) {
  const StoreObject object = Stores::instance().get(handle);
  object.store->set_updater([=, store = object.store.get(), pushed = object.pushed](
                                const Key& key, const NDArray& received, const NDArray& stored) {
    const auto handles = [&] {
      return std::pair(typed_handle(received, pushed->at(key)),
                       typed_handle(stored, store->storage_type(key)));
    };
    if (const int* number = std::get_if<int>(&key)) {
      GEMEL_CHECK(updater, "[kvstore] there is no updater for integer keys");
      const auto [gradient, weight] = handles();
      return updater(*number, gradient, weight, state);
    }
    GEMEL_CHECK(text_updater, "[kvstore] there is no updater for text keys");
    const auto [gradient, weight] = handles();
    text_updater(std::get<std::string>(key).c_str(), gradient, weight, state);
  });
}

// What the launcher told this process to be.
bool has_role(std::string_view role) {
  const char* given_role = std::getenv("DMLC_ROLE");
  return role == (given_role ? given_role : "worker");
}

}  // namespace
}  // namespace gemel::c_api

using namespace gemel;
using namespace gemel::c_api;

int MXKVStoreCreate(const char* type, KVStoreHandle* out) {
  return call(__func__, [&] {
    given(out, "the result");
    *out = Stores::instance().add({std::make_shared<LocalStore>(text_of(type, "the type"))});
  });
}

int MXKVStoreFree(KVStoreHandle handle) {
  return call(__func__, [&] {
    if (handle) Stores::instance().free(handle);
  });
}

int MXKVStoreInit(KVStoreHandle handle, uint32_t num, const int* keys, NDArrayHandle* vals) {
  return call(__func__, [&] { init_store(handle, num, keys, vals); });
}

int MXKVStoreInitEx(KVStoreHandle handle, uint32_t num, const char** keys, NDArrayHandle* vals) {
  return call(__func__, [&] { init_store(handle, num, keys, vals); });
}

int MXKVStorePush(KVStoreHandle handle, uint32_t num, const int* keys, NDArrayHandle* vals, int) {
  return call(__func__, [&] { push_store(handle, num, keys, vals); });
}

int MXKVStorePushEx(KVStoreHandle handle, uint32_t num, const char** keys, NDArrayHandle* vals,
                    int) {
  return call(__func__, [&] { push_store(handle, num, keys, vals); });
}

int MXKVStorePull(KVStoreHandle handle, uint32_t num, const int* keys, NDArrayHandle* vals,
                  int priority) {
  return call(__func__, [&] { pull_store(handle, num, keys, vals, priority); });
}

int MXKVStorePullEx(KVStoreHandle handle, uint32_t num, const char** keys, NDArrayHandle* vals,
                    int priority) {
  return call(__func__, [&] { pull_store(handle, num, keys, vals, priority); });
}

int MXKVStorePullWithSparse(KVStoreHandle handle, uint32_t num, const int* keys,
                            NDArrayHandle* vals, int priority, bool ignore_sparse) {
  return call(__func__, [&] { pull_store(handle, num, keys, vals, priority, ignore_sparse); });
}

int MXKVStorePullWithSparseEx(KVStoreHandle handle, uint32_t num, const char** keys,
                              NDArrayHandle* vals, int priority, bool ignore_sparse) {
  return call(__func__, [&] { pull_store(handle, num, keys, vals, priority, ignore_sparse); });
}

int MXKVStorePullRowSparse(KVStoreHandle handle, uint32_t num, const int* keys, NDArrayHandle* vals,
                           const NDArrayHandle* row_ids, int) {
  return call(__func__, [&] { pull_store_rows(handle, num, keys, vals, row_ids); });
}

int MXKVStorePullRowSparseEx(KVStoreHandle handle, uint32_t num, const char** keys,
                             NDArrayHandle* vals, const NDArrayHandle* row_ids, int) {
  return call(__func__, [&] { pull_store_rows(handle, num, keys, vals, row_ids); });
}

int MXKVStorePushPull(KVStoreHandle handle, mx_uint vnum, const int* vkeys, mx_uint onum,
                      const int* okeys, NDArrayHandle* vals, NDArrayHandle* outs, int priority) {
  return call(__func__, [&] {
    push_store(handle, vnum, vkeys, vals);
    pull_store(handle, onum, okeys, outs, priority);
  });
}

int MXKVStorePushPullEx(KVStoreHandle handle, mx_uint vnum, const char** vkeys, mx_uint onum,
                        const char** okeys, NDArrayHandle* vals, NDArrayHandle* outs,
                        int priority) {
  return call(__func__, [&] {
    push_store(handle, vnum, vkeys, vals);
    pull_store(handle, onum, okeys, outs, priority);
  });
}

int MXKVStoreBroadcast(KVStoreHandle handle, mx_uint vnum, const int* vkeys, mx_uint onum,
                       const int* okeys, NDArrayHandle* vals, NDArrayHandle* outs, int priority) {
  return call(__func__, [&] {
    init_store(handle, vnum, vkeys, vals);
    pull_store(handle, onum, okeys, outs, priority);
  });
}

int MXKVStoreBroadcastEx(KVStoreHandle handle, mx_uint vnum, const char** vkeys, mx_uint onum,
                         const char** okeys, NDArrayHandle* vals, NDArrayHandle* outs,
                         int priority) {
  return call(__func__, [&] {
    init_store(handle, vnum, vkeys, vals);
    pull_store(handle, onum, okeys, outs, priority);
  });
}

int MXKVStoreSetUpdater(KVStoreHandle handle, MXKVStoreUpdater updater, void* updater_handle) {
  return call(__func__, [&] { set_store_updater(handle, updater, nullptr, updater_handle); });
}

int MXKVStoreSetUpdaterEx(KVStoreHandle handle, MXKVStoreUpdater updater,
                          MXKVStoreStrUpdater str_updater, void* updater_handle) {
  return call(__func__, [&] { set_store_updater(handle, updater, str_updater, updater_handle); });
}

int MXKVStoreSetGradientCompression(KVStoreHandle handle, uint32_t, const char**, const char**) {
  return call(__func__, [&] {
    fail(ErrorKind::Input,
         "[kvstore] gradient compression is for links between machines or GPUs: it is not "
         "supported for type {}",
         store_of(handle)->type());
  });
}

int MXKVStoreGetType(KVStoreHandle handle, const char** type) {
  return call(__func__,
              [&] { *given(type, "the type") = Returned::fresh().text(store_of(handle)->type()); });
}

int MXKVStoreGetRank(KVStoreHandle handle, int* ret) {
  return call(__func__, [&] {
    store_of(handle);
    *given(ret, "the rank") = 0;
  });
}

int MXKVStoreGetGroupSize(KVStoreHandle handle, int* ret) {
  return call(__func__, [&] {
    store_of(handle);
    *given(ret, "the size") = 1;
  });
}

int MXKVStoreGetNumDeadNode(KVStoreHandle handle, const int, int* number, const int) {
  return call(__func__, [&] {
    store_of(handle);
    *given(number, "the number") = 0;
  });
}

// One worker waits for nobody.
int MXKVStoreBarrier(KVStoreHandle handle) {
  return call(__func__, [&] { store_of(handle); });
}

int MXKVStoreSetBarrierBeforeExit(KVStoreHandle handle, const int) {
  return call(__func__, [&] { store_of(handle); });
}

// There are no servers to hear it.
int MXKVStoreSendCommmandToServers(KVStoreHandle handle, int, const char*) {
  return call(__func__, [&] { store_of(handle); });
}

int MXKVStoreIsWorkerNode(int* ret) {
  return call(__func__, [&] { *given(ret, "the answer") = has_role("worker"); });
}

int MXKVStoreIsServerNode(int* ret) {
  return call(__func__, [&] { *given(ret, "the answer") = has_role("server"); });
}

int MXKVStoreIsSchedulerNode(int* ret) {
  return call(__func__, [&] { *given(ret, "the answer") = has_role("scheduler"); });
}

int MXInitPSEnv(uint32_t num_vars, const char** keys, const char** vals) {
  return call(__func__, [&] {
    for (const auto& [key, value] : attributes_of(num_vars, keys, vals))
      GEMEL_CHECK(setenv(key.c_str(), value.c_str(), 1) == 0, "[{}] the name '{}' cannot be set",
                  current_function, key);
  });
}
