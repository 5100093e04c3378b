// Sparse arrays: Python objects of their parts, and the hooks by which operators meet them.
#include "array/sparse.h"

#include "c_api/sparse_rules.h"
#include "common.h"
#include "kernels/csr_dot.h"
#include "model/params.h"

namespace gemel::python {
namespace {

PyTypeObject* sparse_type = nullptr;
nb::object* sparse_call = nullptr;

SparseArray sparse_of(const std::string& type, nb::handle shape, nb::handle data,
                      nb::handle indices, nb::handle indptr) {
  return {storage_type_from_name(type), shape_of(shape), optional_array(data, "sparse"),
          optional_array(indices, "sparse"), optional_array(indptr, "sparse")};
}

nb::tuple parts_of(SparseArray&& array) {
  nb::object indptr = array.indptr ? wrap(std::move(array.indptr)) : nb::none();
  return nb::make_tuple(wrap(std::move(array.data)), wrap(std::move(array.indices)), indptr);
}

template <typename F>
auto without_gil(F&& f) {
  nb::gil_scoped_release release;
  return f();
}

}  // namespace

bool is_sparse(nb::handle object) {
  return sparse_type && PyType_IsSubtype(Py_TYPE(object.ptr()), sparse_type);
}

nb::object call_sparse(nb::handle function, nb::args args, nb::kwargs kwargs) {
  return (*sparse_call)(function, args, kwargs);
}

nb::tuple describe_sparse(SparseArray&& array) {
  const std::string_view type = name_of(array.type);
  nb::tuple shape = tuple_of(array.shape);
  nb::tuple parts = parts_of(std::move(array));
  return nb::make_tuple(type, shape, parts[0], parts[1], parts[2]);
}

SparseArray described_sparse(nb::handle description) {
  nb::tuple t = nb::cast<nb::tuple>(description);
  return sparse_of(nb::cast<std::string>(t[0]), t[1], t[2], t[3], t[4]);
}

void bind_sparse(nb::module_& m) {
  m.def("set_sparse_type", [](nb::type_object type, nb::object call) {
    sparse_type = reinterpret_cast<PyTypeObject*>(type.release().ptr());
    sparse_call = new nb::object(std::move(call));
  });
  m.def("zero_keeping_operators", [] {
    nb::list names;
    for (const std::string_view name : c_api::zero_keeping_operators())
      names.append(nb::str(name.data(), name.size()));
    return names;
  });
  m.def("keeps_zeros", [](const std::string& op, nb::dict parameters) {
    Attributes attributes;
    for (const auto& [name, value] : parameters)
      attributes.emplace(nb::cast<std::string>(name), parameter_text(value));
    return c_api::keeps_zeros(op, attributes);
  });
  m.def("plain_array",
        [](nb::handle object) { return wrap(require_array(object, "plain_array")); });
  m.def("sparse_from_dense", [](nb::handle object, const std::string& type) {
    const NDArray dense = require_array(object, "cast_storage");
    const StorageType wanted = storage_type_from_name(type);
    return parts_of(without_gil([&] { return to_sparse(dense, wanted); }));
  });
  m.def(
      "sparse_to_dense",
      [](const std::string& type, nb::handle shape, nb::handle data, nb::handle indices,
         nb::handle indptr) {
        const SparseArray array = sparse_of(type, shape, data, indices, indptr);
        return wrap(without_gil([&] { return to_dense(array); }));
      },
      nb::arg(), nb::arg(), nb::arg(), nb::arg(), nb::arg().none());
  m.def(
      "sparse_zeros",
      [](const std::string& type, nb::handle shape, nb::handle dtype, nb::handle context) {
        return parts_of(sparse_zeros(storage_type_from_name(type), shape_of(shape), dtype_of(dtype),
                                     device_of(context)));
      },
      nb::arg(), nb::arg(), nb::arg().none(), nb::arg().none());
  m.def(
      "sparse_check",
      [](const std::string& type, nb::handle shape, nb::handle data, nb::handle indices,
         nb::handle indptr, bool full) {
        const SparseArray array = sparse_of(type, shape, data, indices, indptr);
        without_gil([&] { check_format(array, full); });
      },
      nb::arg(), nb::arg(), nb::arg(), nb::arg(), nb::arg().none(), nb::arg());
  m.def(
      "sparse_check_parts",
      [](const std::string& type, nb::handle shape, nb::handle data, nb::handle indices,
         nb::handle indptr) { check_parts(sparse_of(type, shape, data, indices, indptr)); },
      nb::arg(), nb::arg(), nb::arg(), nb::arg(), nb::arg().none());
  m.def(
      "sparse_to_bytes",
      [](const std::string& type, nb::handle shape, nb::handle data, nb::handle indices,
         nb::handle indptr) {
        const SparseArray array = sparse_of(type, shape, data, indices, indptr);
        const std::string bytes = without_gil([&] { return array_to_bytes(array); });
        return nb::bytes(bytes.data(), bytes.size());
      },
      nb::arg(), nb::arg(), nb::arg(), nb::arg(), nb::arg().none());
  m.def("sparse_from_bytes", [](nb::bytes bytes) {
    return describe_sparse(sparse_from_bytes(std::span(
        static_cast<const std::byte*>(static_cast<const void*>(bytes.c_str())), bytes.size())));
  });
  m.def("csr_dot", [](nb::handle data, nb::handle indices, nb::handle indptr, nb::handle right,
                      bool transpose, int64_t columns) {
    const NDArray in[] = {require_array(data, "dot"), require_array(indices, "dot"),
                          require_array(indptr, "dot"), require_array(right, "dot")};
    const int64_t rows = transpose ? columns : in[2].size() - 1;
    NDArray out({rows, in[3].shape()[1]}, in[3].dtype(), in[3].device());
    without_gil([&] {
      for (const NDArray& array : in) array.wait_to_read();
      out.wait_to_write();
      kernels::csr_dot(in[0].tensor(), in[1].tensor(), in[2].tensor(), in[3].tensor(), transpose,
                       out.tensor());
    });
    return wrap(std::move(out));
  });
}

}  // namespace gemel::python
