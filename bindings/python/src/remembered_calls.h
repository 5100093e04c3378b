// Calls in loops repeat: the parsed parameters of an operator function's last few keyword sets,
// found without turning any value into text. Used with the GIL held.
#pragma once
#include <array>
#include <cstring>

#include "common.h"

namespace gemel::python {

class RememberedCalls {
 public:
  // What identifies one call's parameters; `complete` is false where a value cannot be compared
  // cheaply.
  struct Key {
    struct Item {
      PyObject* name = nullptr;
      PyObject* object = nullptr;  // the type of a number, the value itself of anything else
      uint64_t bits = 0;
      bool operator==(const Item&) const = default;
    };
    static constexpr size_t most = 12;
    std::array<Item, most> items;
    size_t size = 0;
    size_t inputs = 0;  // by position
    bool complete = true;
    nb::handle out;

    Key(size_t inputs, nb::handle keywords) : inputs(inputs) {
      PyObject *name, *value;
      Py_ssize_t position = 0;
      while (complete && PyDict_Next(keywords.ptr(), &position, &name, &value)) {
        if (PyUnicode_CompareWithASCIIString(name, "out") == 0)
          out = value;
        else if (size == most || PyUnicode_CHECK_INTERNED(name) == 0)
          complete = false;
        else
          add(name, value);
      }
    }

   private:
    void add(PyObject* name, PyObject* value) {
      Item& item = items[size++];
      item.name = name;
      if (PyFloat_CheckExact(value)) {
        const double number = PyFloat_AS_DOUBLE(value);
        std::memcpy(&item.bits, &number, sizeof number);
        item.object = reinterpret_cast<PyObject*>(Py_TYPE(value));
      } else if (PyLong_CheckExact(value)) {
        int overflow = 0;
        item.bits = static_cast<uint64_t>(PyLong_AsLongLongAndOverflow(value, &overflow));
        item.object = reinterpret_cast<PyObject*>(Py_TYPE(value));
        complete = overflow == 0;
      } else if (PyBool_Check(value) || PyUnicode_CheckExact(value) || is_ints(value)) {
        item.object = value;
      } else {
        complete = false;
      }
    }
    static bool is_ints(PyObject* value) {
      if (!PyTuple_CheckExact(value)) return false;
      for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(value); ++i)
        if (!PyLong_CheckExact(PyTuple_GET_ITEM(value, i))) return false;
      return true;
    }
  };

  const ParametersRef* find(const Key& key) const {
    for (const Entry& entry : entries_)
      if (entry.size == key.size && entry.inputs == key.inputs && entry.parameters &&
          std::equal(key.items.begin(), key.items.begin() + key.size, entry.items.begin()))
        return &entry.parameters;
    return nullptr;
  }

  void remember(const Key& key, ParametersRef parameters) {
    Entry& entry = entries_[next_++ % entries_.size()];
    entry = {key.items, key.size, key.inputs, {}, std::move(parameters)};
    // While remembered, no other object can have their addresses.
    for (size_t i = 0; i < key.size; ++i) {
      entry.kept.push_back(nb::borrow(key.items[i].name));
      entry.kept.push_back(nb::borrow(key.items[i].object));
    }
  }

 private:
  struct Entry {
    std::array<Key::Item, Key::most> items;
    size_t size = 0, inputs = 0;
    std::vector<nb::object> kept;
    ParametersRef parameters;
  };
  std::array<Entry, 4> entries_;
  size_t next_ = 0;
};

}  // namespace gemel::python
