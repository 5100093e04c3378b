// Conversions between Python objects and the core's plain types.
#include "common.h"

namespace gemel::python {
namespace {

// The NumPy type of each dtype, made when first asked for.
std::array<PyObject*, 13> numpy_types{};

nb::object& numpy() {
  static nb::object* module = new nb::object(nb::module_::import_("numpy"));
  return *module;
}

int64_t integer(nb::handle object) {
  PyObject* number = PyNumber_Index(object.ptr());
  if (!number) throw nb::python_error();
  const int64_t value = PyLong_AsLongLong(number);
  Py_DECREF(number);
  if (value == -1 && PyErr_Occurred()) throw nb::python_error();
  return value;
}

bool is_dtype_name(std::string_view text) {
  for (int flag = 0; is_valid_dtype_flag(flag); ++flag)
    if (name_of(static_cast<DType>(flag)) == text) return true;
  return false;
}

std::string text_of(nb::handle object) { return nb::cast<std::string>(nb::str(object)); }

}  // namespace

Shape shape_of(nb::handle object) {
  Shape shape;
  if (PyIndex_Check(object.ptr())) {
    shape.push_back(integer(object));
    return shape;
  }
  for (nb::handle axis : object) shape.push_back(axis.is_none() ? -1 : integer(axis));
  return shape;
}

nb::tuple tuple_of(const Shape& shape) {
  PyObject* tuple = PyTuple_New(std::max(shape.ndim(), 0));
  for (int i = 0; i < shape.ndim(); ++i) PyTuple_SET_ITEM(tuple, i, PyLong_FromLongLong(shape[i]));
  return nb::steal<nb::tuple>(tuple);
}

DType dtype_of(nb::handle object) {
  if (object.is_none()) return DType::float32;
  for (size_t i = 0; i < numpy_types.size(); ++i)
    if (numpy_types[i] == object.ptr()) return static_cast<DType>(i);
  static nb::object* dtype = new nb::object(numpy().attr("dtype"));
  if (nb::isinstance<nb::str>(object)) {
    const std::string name = nb::cast<std::string>(object);
    if (is_dtype_name(name)) return dtype_from_name(name);
    return dtype_from_name(nb::cast<std::string>((*dtype)(object).attr("name")));  // "f", "<f4"
  }
  nb::object name = nb::getattr(object, "__name__", nb::none());
  if (!name.is_none() && text_of(name) == "bfloat16") return DType::bfloat16;
  return dtype_from_name(nb::cast<std::string>((*dtype)(object).attr("name")));
}

nb::object numpy_dtype(DType dtype) {
  if (dtype == DType::none) return nb::none();
  PyObject*& type = numpy_types[static_cast<size_t>(dtype)];
  if (!type) {
    if (dtype == DType::bfloat16)
      type = nb::str("bfloat16").release().ptr();
    else if (dtype == DType::boolean)
      type = nb::object(numpy().attr("bool_")).release().ptr();
    else
      type = nb::object(numpy().attr(std::string(name_of(dtype)).c_str())).release().ptr();
  }
  return nb::borrow(type);
}

Device device_of(nb::handle object) {
  static nb::object* current =
      new nb::object(nb::module_::import_("gemel.context").attr("current_context"));
  if (object.is_none()) return device_of((*current)());
  if (nb::isinstance<nb::str>(object)) return device_from_string(nb::cast<std::string>(object));
  return {static_cast<DeviceKind>(nb::cast<int>(object.attr("device_typeid"))),
          nb::cast<int>(object.attr("device_id"))};
}

nb::object context_of(Device device) {
  // Nearly every array is here, and Trainer and Module ask often. Contexts are values: one will do.
  static nb::object* first_cpu = nullptr;
  const bool is_first_cpu = device == Device{};
  if (is_first_cpu && first_cpu) return *first_cpu;
  static nb::object* type = new nb::object(nb::module_::import_("gemel.context").attr("Context"));
  std::string name = to_string(device);
  nb::object context = (*type)(name.substr(0, name.find('(')), device.id);
  if (is_first_cpu) first_cpu = new nb::object(context);
  return context;
}

std::string parameter_text(nb::handle value) {
  PyObject* p = value.ptr();
  if (PyUnicode_Check(p)) return nb::cast<std::string>(value);
  if (PyBool_Check(p)) return p == Py_True ? "True" : "False";
  if (PyFloat_Check(p)) {
    const double number = PyFloat_AS_DOUBLE(p);
    if (!std::isfinite(number)) return text_of(value);
    std::string text = fmt::format("{}", number);  // as Python writes it
    return text.find_first_of(".e") == std::string::npos ? text + ".0" : text;
  }
  if (PyTuple_Check(p) || PyList_Check(p)) {
    const bool list = PyList_Check(p);
    std::string text = list ? "[" : "(";
    bool first = true;
    size_t count = 0;
    for (nb::handle item : value) {
      if (!first) text += ", ";
      first = false;
      text += parameter_text(item);
      ++count;
    }
    return text + (list ? "]" : count == 1 ? ",)" : ")");
  }
  if (PyType_Check(p) || nb::hasattr(value, "itemsize")) {
    // A NumPy scalar is its value; a dtype or a scalar type is its name.
    if (!PyType_Check(p) && nb::hasattr(value, "item") && !nb::hasattr(value, "names"))
      return parameter_text(value.attr("item")());
    return std::string(name_of(dtype_of(value)));
  }
  return text_of(value);
}

std::string dtype_text(nb::handle value, std::string_view who) {
  std::string text = parameter_text(value);
  const bool spelling = PyUnicode_Check(value.ptr()) && !text.empty() && text != "None" &&
                        !is_dtype_name(text) && text.find_first_of("-0123456789") != 0;
  if (!spelling) return text;
  try {
    return text_of(numpy().attr("dtype")(value).attr("name"));
  } catch (nb::python_error&) {
    fail(ErrorKind::Type, "[{}] parameter dtype: expected the name of a data type, got '{}'", who,
         text);
  }
}

std::vector<NDArray> arrays_of(nb::handle sequence, const char* who) {
  std::vector<NDArray> arrays;
  if (sequence.is_none()) return arrays;
  if (is_array(sequence)) return {array_of(sequence)};
  for (nb::handle item : sequence) arrays.push_back(optional_array(item, who));
  return arrays;
}

NDArray optional_array(nb::handle object, const char* who) {
  return object.is_none() ? NDArray() : require_array(object, who);
}

nb::list wrap_all(std::vector<NDArray>&& arrays) {
  PyObject* list = PyList_New(arrays.size());
  for (size_t i = 0; i < arrays.size(); ++i)
    PyList_SET_ITEM(list, i, wrap(std::move(arrays[i])).release().ptr());
  return nb::steal<nb::list>(list);
}

}  // namespace gemel::python
