// gemel::Error -> the Python class that fits its kind (all derive from MXNetError).
#include "common.h"

namespace gemel::python {
namespace {

const char* class_of(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::Input:
      return "ValueError";
    case ErrorKind::Type:
      return "TypeError";
    case ErrorKind::Index:
      return "IndexError";
    case ErrorKind::Key:
      return "KeyError";
    case ErrorKind::Environment:
      return "OSError";
    case ErrorKind::Memory:
      return "MemoryError";
    case ErrorKind::Cancelled:
      return "CancelledError";
    case ErrorKind::Internal:
      return "InternalError";
  }
  return "MXNetError";
}

}  // namespace

std::shared_ptr<nb::object> shared_object(nb::object object) {
  return {new nb::object(std::move(object)), [](nb::object* held) {
            nb::gil_scoped_acquire gil;
            delete held;
          }};
}

TaskError::TaskError(nb::python_error& error)
    : value_(shared_object(nb::borrow(error.value()))), text_(error.what()) {}

// A copy is raised: the frames that an exception passes hold, through their variables, the tag that
// holds the exception, and no collector sees such a ring.
void TaskError::restore() const {
  PyObject* const original = value_->ptr();
  nb::object raised = *value_;
  try {
    const nb::object copy = nb::module_::import_("copy").attr("copy")(*value_);
    if (Py_TYPE(copy.ptr()) == Py_TYPE(original)) raised = copy;
  } catch (nb::python_error&) {
    // A class that cannot be copied: its own object.
  }
  if (raised.ptr() != original) {
    PyException_SetCause(raised.ptr(), PyException_GetCause(original));
    PyException_SetContext(raised.ptr(), PyException_GetContext(original));
    const nb::object trace = nb::steal(PyException_GetTraceback(original));
    if (trace.is_valid()) PyException_SetTraceback(raised.ptr(), trace.ptr());
  }
  PyErr_SetObject(reinterpret_cast<PyObject*>(Py_TYPE(raised.ptr())), raised.ptr());
}

void set_python_error(const std::exception_ptr& pointer) {
  try {
    std::rethrow_exception(pointer);
  } catch (const TaskError& error) {
    error.restore();
  } catch (const Error& error) {
    nb::object classes = nb::module_::import_("gemel.base").attr("error_types");
    nb::object type = classes[class_of(error.kind())];
    PyErr_SetString(type.ptr(), error.what());
  } catch (const std::exception& error) {
    PyErr_SetString(PyExc_RuntimeError, error.what());
  }
}

void bind_errors(nb::module_&) {
  nb::register_exception_translator([](const std::exception_ptr& pointer, void*) {
    try {
      std::rethrow_exception(pointer);
    } catch (const TaskError&) {
      set_python_error(pointer);
    } catch (const Error&) {
      set_python_error(pointer);
    }
  });
}

}  // namespace gemel::python
