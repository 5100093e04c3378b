// The NDArray class: construction, properties, views, copies to and from NumPy.
#include "array/convert.h"
#include "common.h"
#include "model/params.h"
#include "ops/shape/reshape.h"
#include "runtime/autograd.h"
#include "runtime/invoke.h"

namespace gemel::python {
namespace {

PyTypeObject* array_type = nullptr;

// Runs `f` without the GIL: anything that waits for the engine.
template <typename F>
decltype(auto) without_gil(F&& f) {
  nb::gil_scoped_release release;
  return f();
}

struct BufferView {
  Py_buffer view{};
  explicit BufferView(nb::handle object) {
    if (PyObject_GetBuffer(object.ptr(), &view, PyBUF_C_CONTIGUOUS | PyBUF_FORMAT))
      throw nb::python_error();
  }
  ~BufferView() { PyBuffer_Release(&view); }
};

// Copies a C-contiguous NumPy array of the array's dtype (bfloat16 as uint16) into it.
void assign_from_numpy(NDArray& array, nb::handle source) {
  with_memory(array);
  BufferView buffer(source);
  GEMEL_CHECK(buffer.view.len == array.bytes(), "[NDArray] expected {} bytes from NumPy, got {}",
              array.bytes(), buffer.view.len);
  without_gil([&] { array.copy_from_host(buffer.view.buf, buffer.view.len); });
}

void copy_into_numpy(const NDArray& array, nb::handle target) {
  with_memory(array);
  BufferView buffer(target);
  GEMEL_CHECK(buffer.view.len == array.bytes(),
              "[NDArray] expected a NumPy array of {} bytes, got {}", array.bytes(),
              buffer.view.len);
  without_gil([&] { array.copy_to_host(buffer.view.buf, buffer.view.len); });
}

// (arrays, names, sparse ones by position, where `arrays` has none).
nb::tuple loaded(NamedArrays&& named) {
  nb::dict sparse;
  for (auto& [index, array] : named.sparse)
    sparse[nb::int_(index)] = describe_sparse(std::move(array));
  return nb::make_tuple(wrap_all(std::move(named.arrays)), named.names, sparse);
}

nb::object scalar_of(const NDArray& array) {
  with_memory(array);
  GEMEL_CHECK(array.size() == 1, "[asscalar] expected an array of one element, got shape {}",
              array.shape());
  if (is_floating(array.dtype())) {
    double value = 0;
    without_gil([&] {
      array.wait_to_read();
      convert(array.tensor(), Tensor(&value, array.shape(), DType::float64));
    });
    const DType shown = array.dtype() == DType::bfloat16 ? DType::float32 : array.dtype();
    return numpy_dtype(shown)(value);
  }
  int64_t value = 0;
  const bool is_wide = array.dtype() == DType::uint64;
  without_gil([&] {
    array.wait_to_read();
    convert(array.tensor(), Tensor(&value, array.shape(), is_wide ? DType::uint64 : DType::int64));
  });
  if (is_wide) return numpy_dtype(array.dtype())(static_cast<uint64_t>(value));
  return numpy_dtype(array.dtype())(value);
}

// A bound of a slice as an index from 0 to `size`; false where it is no plain int.
bool bound_of(PyObject* bound, int64_t size, int64_t fallback, int64_t& value) {
  if (bound == Py_None) {
    value = fallback;
    return true;
  }
  if (!PyLong_CheckExact(bound)) return false;
  int overflow = 0;
  value = PyLong_AsLongLongAndOverflow(bound, &overflow);
  if (overflow) return false;
  value = std::clamp<int64_t>(value < 0 ? value + size : value, 0, size);
  return true;
}

// a[3] and a[1:5] quickly: the view, or None where the general way has to look at the key. Without
// `scalars` an element has shape (1,).
nb::object leading_view(const NDArray& a, nb::handle key, bool scalars) {
  const int ndim = a.shape().ndim();
  PyObject* p = key.ptr();
  if (!a || ndim < 1 || (a.history() && runtime::is_recording())) return nb::none();
  const int64_t size = a.shape()[0];
  if (PyLong_CheckExact(p)) {
    int overflow = 0;
    int64_t index = PyLong_AsLongLongAndOverflow(p, &overflow);
    if (index < 0) index += size;
    if (overflow || index < 0 || index >= size) return nb::none();
    return wrap(ndim == 1 && !scalars ? a.slice(index, index + 1) : a.at(index));
  }
  if (!PySlice_Check(p)) return nb::none();
  const auto* slice = reinterpret_cast<PySliceObject*>(p);
  int64_t begin = 0, end = 0;
  if (slice->step != Py_None || !bound_of(slice->start, size, 0, begin) ||
      !bound_of(slice->stop, size, size, end) || begin >= end)
    return nb::none();
  return wrap(a.slice(begin, end));
}

}  // namespace

nb::object wrap(NDArray&& array) {
  PyObject* object =
      nb::inst_alloc(nb::handle(reinterpret_cast<PyObject*>(array_type))).release().ptr();
  new (nb::inst_ptr<NDArray>(object)) NDArray(std::move(array));
  nb::inst_mark_ready(object);
  return nb::steal(object);
}

bool is_array(nb::handle object) {
  PyTypeObject* type = Py_TYPE(object.ptr());
  return type == array_type || PyType_IsSubtype(type, array_type);
}

NDArray& array_of(nb::handle object) {
  NDArray& array = *nb::inst_ptr<NDArray>(object);
  if (!array && is_sparse(object)) object.attr("_materialize")();
  return array;
}

const NDArray& with_memory(const NDArray& array) {
  GEMEL_CHECK(array, "[NDArray] expected an array with memory, got one made by NDArray(None)");
  return array;
}

NDArray& require_array(nb::handle object, const char* who) {
  if (!is_array(object))
    fail(ErrorKind::Type, "[{}] expected an NDArray, got {}", who, Py_TYPE(object.ptr())->tp_name);
  return array_of(object);
}

void bind_array(nb::module_& m) {
  nb::class_<NDArray> type(m, "NDArray", nb::type_slots(number_slots()), nb::dynamic_attr(),
                           nb::is_weak_referenceable());
  array_type = reinterpret_cast<PyTypeObject*>(type.ptr());
  type.def(
          "__init__",
          [](NDArray* self, nb::handle shape, nb::handle dtype, nb::handle context) {
            // 1.9.1's pickles make NDArray(None) and give it its state afterwards.
            if (shape.is_none()) {
              new (self) NDArray();
              return;
            }
            const Device device = device_of(context);
            GEMEL_CHECK(is_available(device), "[NDArray] the device {} is not available here",
                        to_string(device));
            new (self) NDArray(shape_of(shape), dtype_of(dtype), device);
          },
          nb::arg("shape").none(), nb::arg("dtype") = nb::none(), nb::arg("ctx") = nb::none())
      .def_prop_ro("shape", [](const NDArray& a) { return tuple_of(a.shape()); })
      .def_prop_ro("ndim", [](const NDArray& a) { return a.shape().ndim(); })
      .def_prop_ro("size", [](const NDArray& a) { return a ? a.size() : 0; })
      .def_prop_ro("dtype", [](const NDArray& a) { return numpy_dtype(a.dtype()); })
      .def_prop_ro("context", [](const NDArray& a) { return context_of(with_memory(a).device()); })
      .def_prop_ro("ctx", [](const NDArray& a) { return context_of(with_memory(a).device()); })
      .def_prop_ro("_has_memory", [](const NDArray& a) { return static_cast<bool>(a); })
      .def_prop_ro("_dtype_flag", [](const NDArray& a) { return static_cast<int>(a.dtype()); })
      .def_prop_ro("_address",
                   [](const NDArray& a) {
                     return reinterpret_cast<uintptr_t>(with_memory(a).data<std::byte>());
                   })
      .def_prop_ro(
          "_tag",
          [](const NDArray& a) { return reinterpret_cast<uintptr_t>(&with_memory(a).tag()); })
      .def("_assign_from_numpy", &assign_from_numpy)
      .def("_copy_into_numpy", &copy_into_numpy)
      .def("_view",
           [](const NDArray& a, int64_t offset, nb::handle shape) {
             return wrap(with_memory(a).view(offset, shape_of(shape)));
           })
      .def("_become", [](NDArray& a, const NDArray& other) { a = other; })
      .def("_forget", [](NDArray& a) { a = NDArray(); })
      .def("_leading_view", &leading_view, nb::arg("key"), nb::arg("scalars"))
      .def("_at", [](const NDArray& a, int64_t index) { return wrap(with_memory(a).at(index)); })
      .def("_slice", [](const NDArray& a, int64_t begin,
                        int64_t end) { return wrap(with_memory(a).slice(begin, end)); })
      .def("_reshape",
           [](const NDArray& a, nb::handle codes, bool reverse) {
             return wrap(
                 with_memory(a).reshape(resolve_reshape(a.shape(), shape_of(codes), reverse)));
           })
      .def("_shares_memory",
           [](const NDArray& a, const NDArray& b) { return a.storage() == b.storage(); })
      .def("asscalar", &scalar_of,
           "The value of an array of one element, as a NumPy scalar of its dtype. Waits.")
      .def(
          "wait_to_read",
          [](const NDArray& a) { without_gil([&] { with_memory(a).wait_to_read(); }); },
          "Returns when every write pushed so far is done; raises the error of a failed one.")
      .def("wait_to_write",
           [](const NDArray& a) { without_gil([&] { with_memory(a).wait_to_write(); }); })
      .def("_copy_to",
           [](const NDArray& a, NDArray& target) { with_memory(a).copy_to(with_memory(target)); })
      .def("_to_bytes",
           [](const NDArray& a) {
             std::string bytes = without_gil([&] { return array_to_bytes(with_memory(a)); });
             return nb::bytes(bytes.data(), bytes.size());
           })
      .def("_assign_from_bytes",
           [](NDArray& self, nb::bytes bytes) {
             self = array_from_bytes(
                 std::span(static_cast<const std::byte*>(static_cast<const void*>(bytes.c_str())),
                           bytes.size()));
           })
      .def(
          "_mark_variable",
          [](NDArray& a, nb::handle gradient, const std::string& request) {
            with_memory(a);
            runtime::mark_variable(a, optional_array(gradient, "attach_grad"),
                                   grad_request_from_name(request));
          },
          nb::arg("gradient").none(), nb::arg("request"))
      .def_prop_ro(
          "grad",
          [](nb::handle self) -> nb::object {
            NDArray gradient = runtime::gradient_of(array_of(self));
            if (!gradient) return nb::none();
            nb::object array = wrap(std::move(gradient));
            nb::object as_stored = self.attr("_gradient_as_stored");  // attach_grad(stype=)
            return as_stored.is_none() ? array : as_stored(array);
          },
          "The gradient array of a variable; None without attach_grad().")
      .def_prop_rw(
          "_fresh_grad", [](const NDArray& a) { return runtime::is_gradient_fresh(a); },
          [](NDArray& a, bool fresh) { runtime::set_gradient_fresh(a, fresh); },
          "Whether backward() has written the gradient since this was set to false.")
      .def_prop_ro(
          "grad_is_tracked", [](const NDArray& a) { return static_cast<bool>(a.history()); },
          "True for a variable with a gradient and for what was computed from one while recording.")
      .def(
          "detach",
          [](const NDArray& a) {
            NDArray plain = a;
            runtime::drop_history(plain);
            return wrap(std::move(plain));
          },
          "The same memory, unknown to autograd.")
      .def("_drop_history", [](NDArray& a) { runtime::drop_history(a); });
  m.def(
      "dtype_flag", [](nb::handle dtype) { return static_cast<int>(dtype_of(dtype)); },
      nb::arg("dtype").none(), "The number that files and attributes use for a dtype.");
  m.def("load_arrays", [](const std::string& path) {
    NamedArrays named = without_gil([&] { return load_arrays(path); });
    return loaded(std::move(named));
  });
  m.def("load_arrays_from_bytes", [](nb::bytes bytes) {
    NamedArrays named = load_arrays_from_bytes(std::span(
        static_cast<const std::byte*>(static_cast<const void*>(bytes.c_str())), bytes.size()));
    return loaded(std::move(named));
  });
  m.def("save_arrays", [](const std::string& path, nb::list arrays,
                          const std::vector<std::string>& names, nb::dict sparse) {
    NamedArrays named{arrays_of(arrays, "save"), names, {}};
    for (auto [index, description] : sparse)
      named.sparse[nb::cast<size_t>(index)] = described_sparse(description);
    without_gil([&] { save_arrays(path, named); });
  });
}

}  // namespace gemel::python
