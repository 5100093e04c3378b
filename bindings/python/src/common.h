// Shared by the files of the Python extension.
#pragma once
#include <nanobind/nanobind.h>
#include <nanobind/stl/function.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/shared_ptr.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/string_view.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include "array/ndarray.h"
#include "array/sparse.h"
#include "graph/symbol.h"
#include "op/registry.h"

namespace nb = nanobind;

namespace gemel::python {

// A Python handle that owns a new NDArray; the quickest way to make one.
nb::object wrap(NDArray&& array);
inline nb::object wrap(const NDArray& array) { return wrap(NDArray(array)); }
bool is_array(nb::handle object);
// The array inside a Python object that is_array().
NDArray& array_of(nb::handle object);
// The same for any object; throws TypeError that names `who`.
NDArray& require_array(nb::handle object, const char* who);
// The array itself, which must have memory: NDArray(None) has none and raises ValueError.
const NDArray& with_memory(const NDArray& array);
// Whether an object is of the Python class of sparse arrays, whose dense values array_of() makes.
bool is_sparse(nb::handle object);
// Runs an operator of which an input or `out` is sparse.
nb::object call_sparse(nb::handle function, nb::args args, nb::kwargs kwargs);
// (storage type, shape, data, indices, indptr or None) in both directions.
nb::tuple describe_sparse(SparseArray&& array);
SparseArray described_sparse(nb::handle description);
// None -> an empty array.
NDArray optional_array(nb::handle object, const char* who);
std::vector<NDArray> arrays_of(nb::handle sequence, const char* who);
nb::list wrap_all(std::vector<NDArray>&& arrays);

Shape shape_of(nb::handle object);  // an int or a sequence of ints; None inside is -1
nb::tuple tuple_of(const Shape& shape);
DType dtype_of(nb::handle object);    // np.dtype, type, name; None is float32
nb::object numpy_dtype(DType dtype);  // np.dtype type object; bfloat16 is the text "bfloat16"
Device device_of(nb::handle object);  // a Context, text or None (the current context)
nb::object context_of(Device device);

// The casts that automatic mixed precision puts before the inputs of a node that was just made;
// nothing while it is off.
void cast_inputs(const Symbol& made);

// The text form of an operator parameter's value.
std::string parameter_text(nb::handle value);
// The same for a dtype, whatever its spelling: "f" and "<f4" are "float32". Error(Type) that names
// `who` where it is none.
std::string dtype_text(nb::handle value, std::string_view who);

// A Python object that dies on a thread that holds the GIL.
std::shared_ptr<nb::object> shared_object(nb::object object);

// A Python exception on its way through the engine: it may be raised again in any number of
// readers.
class TaskError : public std::exception {
 public:
  explicit TaskError(nb::python_error& error);
  const char* what() const noexcept override { return text_.c_str(); }
  void restore() const;  // sets the interpreter's error; needs the GIL

 private:
  std::shared_ptr<nb::object> value_;
  std::string text_;
};

// Sets the interpreter's error to the class that fits a C++ exception; needs the GIL.
void set_python_error(const std::exception_ptr& pointer);

void bind_array(nb::module_& m);
void bind_array_operators(nb::class_<NDArray>& type);
void bind_operators(nb::module_& m);
void bind_symbol(nb::module_& m);
void bind_executor(nb::module_& m);
void bind_autograd(nb::module_& m);
void bind_engine(nb::module_& m);
void bind_profiler(nb::module_& m);
void bind_custom(nb::module_& m);
void bind_runtime(nb::module_& m);
void bind_cuda(nb::module_& m);
void bind_tune(nb::module_& m);
void bind_mixed_precision(nb::module_& m);
void bind_data(nb::module_& m);
void bind_kvstore(nb::module_& m);
void bind_record_io(nb::module_& m);
void bind_image(nb::module_& m);
void bind_errors(nb::module_& m);
void bind_dlpack(nb::module_& m);
void bind_sparse(nb::module_& m);

// Number slots (a + b ...) of the NDArray type.
PyType_Slot* number_slots();

}  // namespace gemel::python
