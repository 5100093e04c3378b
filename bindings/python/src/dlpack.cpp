// DLPack capsules, and NumPy memory that an array borrows.
#include "array/dlpack.h"

#include "common.h"

namespace gemel::python {
namespace {

constexpr const char* plain_name = "dltensor";
constexpr const char* versioned_name = "dltensor_versioned";

// A capsule that nobody consumed still owns its tensor; a consumer renames it.
template <typename Managed>
nb::object capsule(Managed* managed, const char* name) {
  const auto destroy = [](PyObject* object) {
    const char* unused =
        std::is_same_v<Managed, dlpack::DLManagedTensor> ? plain_name : versioned_name;
    if (!PyCapsule_IsValid(object, unused)) return;
    auto* owned = static_cast<Managed*>(PyCapsule_GetPointer(object, unused));
    owned->deleter(owned);
  };
  PyObject* object = PyCapsule_New(managed, name, destroy);
  if (!object) {
    managed->deleter(managed);
    throw nb::python_error();
  }
  return nb::steal(object);
}

nb::object to_dlpack(nb::handle object, bool read_only, bool versioned, bool is_copied) {
  const NDArray array = require_array(object, "to_dlpack");
  if (versioned) {
    dlpack::DLManagedTensorVersioned* managed = nullptr;
    {
      nb::gil_scoped_release release;
      managed = dlpack::lend_versioned(array, read_only, is_copied);
    }
    return capsule(managed, versioned_name);
  }
  dlpack::DLManagedTensor* managed = nullptr;
  {
    nb::gil_scoped_release release;
    managed = dlpack::lend(array, read_only);
  }
  return capsule(managed, plain_name);
}

template <typename Managed>
nb::object consume(nb::handle object, const char* name, const char* used_name, bool may_copy) {
  auto* managed = static_cast<Managed*>(PyCapsule_GetPointer(object.ptr(), name));
  if (!may_copy) {
    uint64_t flags = 0;
    if constexpr (std::is_same_v<Managed, dlpack::DLManagedTensorVersioned>) flags = managed->flags;
    GEMEL_CHECK(dlpack::borrows_in_place(managed->tensor, flags),
                "[from_dlpack] the tensor is read-only, not row-major or not aligned, so that it "
                "would be copied, and copy=False forbids that");
  }
  PyCapsule_SetName(object.ptr(), used_name);
  PyCapsule_SetDestructor(object.ptr(), nullptr);
  return wrap(dlpack::borrow(managed));
}

nb::object from_dlpack(nb::handle object, bool may_copy) {
  if (PyCapsule_IsValid(object.ptr(), plain_name))
    return consume<dlpack::DLManagedTensor>(object, plain_name, "used_dltensor", may_copy);
  if (PyCapsule_IsValid(object.ptr(), versioned_name))
    return consume<dlpack::DLManagedTensorVersioned>(object, versioned_name,
                                                     "used_dltensor_versioned", may_copy);
  return nb::none();
}

// The object's memory as an array; the object stays alive as long as the memory is in use.
nb::object borrow_numpy(nb::handle object) {
  Py_buffer view;
  if (PyObject_GetBuffer(object.ptr(), &view, PyBUF_C_CONTIGUOUS)) throw nb::python_error();
  void* data = view.buf;
  const Py_ssize_t bytes = view.len;
  PyBuffer_Release(&view);  // the object itself keeps the memory
  const Shape shape = shape_of(nb::object(object.attr("shape")));
  const DType dtype = dtype_of(nb::object(object.attr("dtype")));
  GEMEL_CHECK(reinterpret_cast<uintptr_t>(data) % static_cast<uintptr_t>(size_of(dtype)) == 0,
              "[from_numpy] expected memory that is aligned to its elements; copy the array");
  auto owner = shared_object(nb::borrow(object));
  Ref<Storage> storage = Storage::borrow(data, bytes, {}, [owner]() mutable { owner.reset(); });
  return wrap(NDArray(std::move(storage), 0, shape, dtype));
}

}  // namespace

void bind_dlpack(nb::module_& m) {
  m.def("to_dlpack", &to_dlpack, nb::arg("array"), nb::arg("read_only") = false,
        nb::arg("versioned") = false, nb::arg("is_copied") = false,
        "A DLPack capsule of the array's memory, after every task on it is done.");
  m.def("from_dlpack", &from_dlpack, nb::arg("capsule").none(), nb::arg("may_copy") = true,
        "The array of a capsule, which is used up; None for anything else.");
  m.def("borrow_numpy", &borrow_numpy, "An array in the memory of a C-contiguous NumPy array.");
}

}  // namespace gemel::python
