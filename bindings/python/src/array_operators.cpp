// a + b, a += 2, -a, a < b ...: the number and comparison slots of NDArray, kept short because
// small-array programs are made of them.
#include "common.h"
#include "runtime/invoke.h"

namespace gemel::python {
namespace {

// One arithmetic operator: its forms for array-array (same shape, broadcast), array-scalar,
// scalar-array.
struct Family {
  const char *same, *broadcast, *scalar, *reversed;
};
enum {
  add,
  subtract,
  multiply,
  divide,
  modulo,
  power,
  equal,
  not_equal,
  greater,
  greater_equal,
  less,
  less_equal,
  families
};
constexpr Family names[families] = {
    {"elemwise_add", "broadcast_add", "_plus_scalar", "_plus_scalar"},
    {"elemwise_sub", "broadcast_sub", "_minus_scalar", "_rminus_scalar"},
    {"elemwise_mul", "broadcast_mul", "_mul_scalar", "_mul_scalar"},
    {"elemwise_div", "broadcast_div", "_div_scalar", "_rdiv_scalar"},
    {"broadcast_mod", "broadcast_mod", "_mod_scalar", "_rmod_scalar"},
    {"broadcast_power", "broadcast_power", "_power_scalar", "_rpower_scalar"},
    {"broadcast_equal", "broadcast_equal", "_equal_scalar", "_equal_scalar"},
    {"broadcast_not_equal", "broadcast_not_equal", "_not_equal_scalar", "_not_equal_scalar"},
    {"broadcast_greater", "broadcast_greater", "_greater_scalar", "_lesser_scalar"},
    {"broadcast_greater_equal", "broadcast_greater_equal", "_greater_equal_scalar",
     "_lesser_equal_scalar"},
    {"broadcast_lesser", "broadcast_lesser", "_lesser_scalar", "_greater_scalar"},
    {"broadcast_lesser_equal", "broadcast_lesser_equal", "_lesser_equal_scalar",
     "_greater_equal_scalar"},
};

struct Resolved {
  const OpInfo *same, *broadcast, *scalar, *reversed;
  ParametersRef none;  // parameters of the array-array forms
};

const Resolved& resolve(int family) {
  static const std::array<Resolved, families>* table = [] {
    auto* t = new std::array<Resolved, families>;
    for (int i = 0; i < families; ++i) {
      (*t)[i] = {&require_op(names[i].same), &require_op(names[i].broadcast),
                 &require_op(names[i].scalar), &require_op(names[i].reversed), nullptr};
      (*t)[i].none = (*t)[i].same->parse({});
    }
    return t;
  }();
  return (*table)[family];
}

// Parameters of the last few scalars: loops use the same ones again and again.
ParametersRef scalar_parameters(const OpInfo& op, double value) {
  struct Item {
    const OpInfo* op = nullptr;
    double value = 0;
    ParametersRef parameters;
  };
  thread_local std::array<Item, 16> items;
  thread_local size_t next = 0;
  for (const Item& item : items)
    if (item.op == &op && item.value == value && std::signbit(item.value) == std::signbit(value))
      return item.parameters;
  const Attributes attributes{{"scalar", fmt::format("{}", value)}};
  Item& item = items[next++ % items.size()];
  item = {&op, value, op.parse(attributes)};
  return item.parameters;
}

// As in 1.9.1 a number takes the array's type: an integer array plus 1.5 is one plus 1.
bool scalar_value(PyObject* object, double& value) {
  if (PyFloat_Check(object)) {
    value = PyFloat_AS_DOUBLE(object);
    return true;
  }
  if (PyLong_Check(object)) {
    value = PyLong_AsDouble(object);
    return !(value == -1 && PyErr_Occurred());
  }
  if (is_array(object)) return false;
  // NumPy scalars and anything else that is a number.
  if (!PyNumber_Check(object) || PyObject_HasAttrString(object, "shape")) {
    if (!PyObject_HasAttrString(object, "ndim") || !PyNumber_Check(object)) return false;
    nb::object ndim = nb::steal(PyObject_GetAttrString(object, "ndim"));
    if (!ndim.is_valid() || nb::cast<int>(ndim) != 0) return false;
  }
  nb::object number = nb::steal(PyNumber_Float(object));
  if (!number.is_valid()) {
    PyErr_Clear();
    return false;
  }
  value = PyFloat_AS_DOUBLE(number.ptr());
  return true;
}

// Translates C++ exceptions where nanobind's wrappers are not in between.
template <typename F>
PyObject* guarded(F&& f) {
  try {
    return f();
  } catch (nb::python_error& error) {
    error.restore();
  } catch (...) {
    set_python_error(std::current_exception());
  }
  return nullptr;
}

// An operand that is a NumPy array becomes an NDArray of the other operand's dtype.
nb::object operand_array(PyObject* object, const NDArray& like) {
  with_memory(like);
  nb::object convert = nb::module_::import_("gemel.ndarray").attr("_operand");
  return convert(nb::handle(object), context_of(like.device()), numpy_dtype(like.dtype()));
}

PyObject* binary(PyObject* left, PyObject* right, int family, bool inplace) {
  return guarded([&]() -> PyObject* {
    const Resolved& ops = resolve(family);
    const bool left_is_array = is_array(left), right_is_array = is_array(right);
    NDArray out[1];
    if (left_is_array && right_is_array) {
      const NDArray& a = array_of(left);
      const NDArray& b = array_of(right);
      NDArray in[2] = {a, b};
      if (inplace) out[0] = a;
      runtime::invoke(a.shape() == b.shape() ? *ops.same : *ops.broadcast, ops.none, in, out);
    } else {
      PyObject* other = left_is_array ? right : left;
      NDArray in[1] = {array_of(left_is_array ? left : right)};
      if (inplace) out[0] = in[0];
      double value = 0;
      if (scalar_value(other, value)) {
        const OpInfo& op = left_is_array ? *ops.scalar : *ops.reversed;
        runtime::invoke(op, scalar_parameters(op, value), in, out);
      } else {
        if (PyErr_Occurred()) return nullptr;
        nb::object converted = operand_array(other, in[0]);
        if (converted.is_none()) {
          Py_RETURN_NOTIMPLEMENTED;
        }
        return binary(left_is_array ? left : converted.ptr(),
                      left_is_array ? converted.ptr() : right, family, inplace);
      }
    }
    if (inplace) {
      Py_INCREF(left);
      return left;
    }
    return wrap(std::move(out[0])).release().ptr();
  });
}

template <int family>
PyObject* slot(PyObject* a, PyObject* b) {
  return binary(a, b, family, false);
}
template <int family>
PyObject* inplace_slot(PyObject* a, PyObject* b) {
  return binary(a, b, family, true);
}
PyObject* power_slot(PyObject* a, PyObject* b, PyObject*) { return binary(a, b, power, false); }
PyObject* inplace_power_slot(PyObject* a, PyObject* b, PyObject*) {
  return binary(a, b, power, true);
}

PyObject* unary(PyObject* self, const char* name) {
  return guarded([&] {
    NDArray in[1] = {array_of(self)};
    return wrap(std::move(runtime::invoke(name, in)[0])).release().ptr();
  });
}
PyObject* negative_slot(PyObject* self) { return unary(self, "negative"); }
PyObject* absolute_slot(PyObject* self) { return unary(self, "abs"); }

PyObject* compare_slot(PyObject* a, PyObject* b, int operation) {
  if (b == Py_None) {
    if (operation == Py_EQ) Py_RETURN_FALSE;
    if (operation == Py_NE) Py_RETURN_TRUE;
  }
  switch (operation) {
    case Py_EQ:
      return binary(a, b, equal, false);
    case Py_NE:
      return binary(a, b, not_equal, false);
    case Py_GT:
      return binary(a, b, greater, false);
    case Py_GE:
      return binary(a, b, greater_equal, false);
    case Py_LT:
      return binary(a, b, less, false);
    default:
      return binary(a, b, less_equal, false);
  }
}
Py_hash_t identity_hash(PyObject* self) {
  return static_cast<Py_hash_t>(reinterpret_cast<uintptr_t>(self) >> 4);
}

template <typename F>
void* pointer(F* f) {
  return reinterpret_cast<void*>(f);
}

}  // namespace

PyType_Slot* number_slots() {
  static PyType_Slot slots[] = {
      {Py_nb_add, pointer(slot<add>)},
      {Py_nb_subtract, pointer(slot<subtract>)},
      {Py_nb_multiply, pointer(slot<multiply>)},
      {Py_nb_true_divide, pointer(slot<divide>)},
      {Py_nb_remainder, pointer(slot<modulo>)},
      {Py_nb_power, pointer(power_slot)},
      {Py_nb_inplace_add, pointer(inplace_slot<add>)},
      {Py_nb_inplace_subtract, pointer(inplace_slot<subtract>)},
      {Py_nb_inplace_multiply, pointer(inplace_slot<multiply>)},
      {Py_nb_inplace_true_divide, pointer(inplace_slot<divide>)},
      {Py_nb_inplace_remainder, pointer(inplace_slot<modulo>)},
      {Py_nb_inplace_power, pointer(inplace_power_slot)},
      {Py_nb_negative, pointer(negative_slot)},
      {Py_nb_absolute, pointer(absolute_slot)},
      {Py_tp_richcompare, pointer(compare_slot)},
      {Py_tp_hash, pointer(identity_hash)},
      {0, nullptr},
  };
  return slots;
}

}  // namespace gemel::python
