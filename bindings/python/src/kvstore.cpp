// Key-value stores of one process: gemel.kvstore.KVStore holds one.
#include "kvstore/local.h"

#include "common.h"

namespace gemel::python {
namespace {

using kvstore::Key;
using kvstore::LocalStore;

Key key_of(nb::handle key) {
  if (nb::isinstance<nb::str>(key)) return nb::cast<std::string>(key);
  return nb::cast<int>(nb::int_(key));
}

nb::object object_of(const Key& key) {
  if (const int* number = std::get_if<int>(&key)) return nb::cast(*number);
  return nb::cast(std::get<std::string>(key));
}

std::vector<Key> keys_of(nb::handle list) {
  std::vector<Key> keys;
  for (nb::handle key : list) keys.push_back(key_of(key));
  return keys;
}

}  // namespace

void bind_kvstore(nb::module_& m) {
  nb::class_<LocalStore>(m, "LocalStore")
      .def(nb::init<std::string>())
      .def_prop_ro("type", &LocalStore::type)
      .def("init",
           [](LocalStore& store, nb::handle key, nb::handle value, const std::string& type) {
             store.init(key_of(key), require_array(value, "kvstore"), storage_type_from_name(type));
           })
      .def("storage_type",
           [](LocalStore& store, nb::handle key) {
             return std::string(name_of(store.storage_type(key_of(key))));
           })
      .def("push",
           [](LocalStore& store, nb::handle keys, nb::handle values) {
             store.push(keys_of(keys), arrays_of(values, "kvstore"));
           })
      .def("pull",
           [](LocalStore& store, nb::handle keys, nb::handle targets, int priority) {
             store.pull(keys_of(keys), arrays_of(targets, "kvstore"), priority);
           })
      .def("pull_rows",
           [](LocalStore& store, nb::handle key, nb::handle rows) {
             return describe_sparse(store.pull_rows(key_of(key), require_array(rows, "kvstore")));
           })
      // Called by push, on its thread: updater(key, sum, stored).
      .def(
          "set_updater",
          [](LocalStore& store, nb::object updater) {
            if (updater.is_none()) return store.set_updater({});
            store.set_updater([function = shared_object(std::move(updater))](
                                  const Key& key, const NDArray& received, const NDArray& stored) {
              nb::gil_scoped_acquire gil;
              (*function)(object_of(key), wrap(received), wrap(stored));
            });
          },
          nb::arg().none());
}

}  // namespace gemel::python
