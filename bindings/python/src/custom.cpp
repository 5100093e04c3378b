// Custom operators written in Python: gemel.custom_operators' registered classes behind CustomKind.
#include "ops/control/custom.h"

#include "common.h"
#include "engine/engine.h"

namespace gemel::python {
namespace {

using control::CustomKind;
using control::CustomObject;

// Runs Python code; its exception goes through the engine to whoever reads the result.
template <typename F>
auto in_python(F&& f) {
  nb::gil_scoped_acquire gil;
  try {
    return f();
  } catch (nb::python_error& error) {
    throw TaskError(error);
  }
}

nb::list listed(const std::vector<NDArray>& arrays) {
  return wrap_all(std::vector<NDArray>(arrays));
}

nb::list shapes_listed(const std::vector<Shape>& shapes) {
  nb::list list;
  for (const Shape& shape : shapes) list.append(nb::list(tuple_of(shape)));
  return list;
}

class PythonObject : public CustomObject {
 public:
  explicit PythonObject(nb::object object) : object_(shared_object(std::move(object))) {}

  void forward(bool training, const std::vector<NDArray>& in, const std::vector<NDArray>& out,
               const std::vector<NDArray>& states) override {
    in_python([&] {
      nb::module_::import_("gemel.custom_operators")
          .attr("_run_forward")(*object_, training, listed(in), listed(out), listed(states));
    });
  }
  void backward(const std::vector<NDArray>& out_gradients, const std::vector<NDArray>& in,
                const std::vector<NDArray>& out, const std::vector<NDArray>& in_gradients,
                const std::vector<NDArray>& states) override {
    in_python([&] {
      nb::module_::import_("gemel.custom_operators")
          .attr("_run_backward")(*object_, listed(out_gradients), listed(in), listed(out),
                                 listed(in_gradients), listed(states));
    });
  }

 private:
  std::shared_ptr<nb::object> object_;
};

template <typename T, typename Convert>
void take(nb::handle list, std::vector<T>& values, Convert convert) {
  values.clear();
  for (nb::handle item : list) values.push_back(convert(item));
}

class PythonKind : public CustomKind {
 public:
  explicit PythonKind(nb::object kind) : kind_(shared_object(std::move(kind))) {
    const auto names = [&](const char* method) {
      return nb::cast<std::vector<std::string>>(nb::list(kind_->attr(method)()));
    };
    arguments = names("list_arguments");
    outputs = names("list_outputs");
    states = names("list_auxiliary_states");
    needs_head_gradient = nb::cast<bool>(kind_->attr("_needs_head_gradient")());
  }

  void infer_shapes(std::vector<Shape>& in, std::vector<Shape>& out,
                    std::vector<Shape>& state_shapes) override {
    in_python([&] {
      nb::object result = kind_->attr("_infer_shapes")(shapes_listed(in));
      if (result.is_none()) return;  // too little is known
      const auto shape = [](nb::handle item) { return shape_of(item); };
      take(result[0], in, shape);
      take(result[1], out, shape);
      take(result[2], state_shapes, shape);
    });
  }
  void infer_types(std::vector<DType>& in, std::vector<DType>& out,
                   std::vector<DType>& state_types) override {
    in_python([&] {
      nb::list known;
      for (DType dtype : in) known.append(dtype == DType::none ? nb::none() : numpy_dtype(dtype));
      nb::object result = kind_->attr("_infer_types")(known);
      if (result.is_none()) return;
      const auto dtype = [](nb::handle item) { return dtype_of(item); };
      take(result[0], in, dtype);
      take(result[1], out, dtype);
      take(result[2], state_types, dtype);
    });
  }
  std::shared_ptr<CustomObject> create(Device device, const std::vector<Shape>& in,
                                       const std::vector<DType>& dtypes) override {
    return in_python([&]() -> std::shared_ptr<CustomObject> {
      nb::list flags;
      for (DType dtype : dtypes) flags.append(static_cast<int>(dtype));
      return std::make_shared<PythonObject>(
          kind_->attr("create_operator")(context_of(device), shapes_listed(in), flags));
    });
  }

 private:
  std::shared_ptr<nb::object> kind_;
};

std::shared_ptr<CustomKind> make_kind(const std::string& op_type, const Attributes& attributes) {
  return in_python([&]() -> std::shared_ptr<CustomKind> {
    nb::dict given;
    for (const auto& [key, value] : attributes) given[key.c_str()] = value;
    nb::object kind =
        nb::module_::import_("gemel.custom_operators").attr("_make_kind")(op_type, given);
    return kind.is_none() ? nullptr : std::make_shared<PythonKind>(kind);
  });
}

void* leave_interpreter() {
  return Py_IsInitialized() && PyGILState_Check() ? PyEval_SaveThread() : nullptr;
}
void enter_interpreter(void* state) {
  if (state) PyEval_RestoreThread(static_cast<PyThreadState*>(state));
}

}  // namespace

void bind_custom(nb::module_&) {
  control::add_custom_factory(&make_kind);
  engine::set_blocking_hooks(&leave_interpreter, &enter_interpreter);
}

}  // namespace gemel::python
