// The arrays of executors that make their own.
#include <cstring>

#include "c_api/executor.h"
#include "graph/indexed.h"
#include "passes/infer_shape.h"
#include "passes/infer_type.h"

namespace gemel::c_api {
namespace {

NDArray zero_array(const Shape& shape, DType dtype, Device device, memory::Owner owner) {
  memory::OwnerScope scope(owner);
  NDArray array(shape, dtype, device);
  std::memset(array.data<std::byte>(), 0, array.bytes());
  return array;
}

// Inferred shapes and dtypes of the inputs, by place in list_inputs().
struct InputTypes {
  std::vector<Shape> shapes;
  std::vector<DType> dtypes;

  InputTypes(const Symbol& symbol, const NamedShapes& shapes_given,
             const std::vector<std::pair<std::string, DType>>& dtypes_given) {
    const IndexedGraph graph(symbol.outputs);
    std::vector<Shape> all_shapes = infer_shapes(graph, shapes_given);
    std::vector<DType> all_dtypes = infer_types(graph, dtypes_given);
    for (const NodeRef& node : symbol.input_nodes()) {
      const int entry = graph.entry_id(Entry{node, 0, 0});
      GEMEL_CHECK(all_shapes[entry].known(),
                  "[{}] the shape of '{}' could not be inferred, got {}; give it as an argument",
                  current_function, node->name, all_shapes[entry]);
      shapes.push_back(all_shapes[entry]);
      dtypes.push_back(all_dtypes[entry] == DType::none ? DType::float32 : all_dtypes[entry]);
    }
  }
};

}  // namespace

std::shared_ptr<runtime::Executor> rebind(const ExecutorObject& object, const NamedShapes& shapes,
                                          bool partial_shaping, bool allow_up_sizing) {
  const Symbol& symbol = object.executor->symbol();
  const runtime::Bindings& old = object.executor->bindings();
  std::vector<std::pair<std::string, DType>> dtypes;
  const auto names = symbol.list_inputs();
  const auto is_auxiliary = symbol.input_is_auxiliary();
  size_t arguments = 0, states = 0;
  for (size_t i = 0; i < names.size(); ++i)
    dtypes.emplace_back(names[i], is_auxiliary[i] ? old.auxiliary_states[states++].dtype()
                                                  : old.arguments[arguments++].dtype());
  const InputTypes types(symbol, shapes, dtypes);
  // A larger array needs the caller's word; a smaller one is a part of the old memory.
  const auto adapt = [&](const NDArray& array, const Shape& shape, const std::string& name) {
    if (array.shape() == shape) return array;
    const bool named = std::any_of(shapes.begin(), shapes.end(),
                                   [&](const auto& given) { return given.first == name; });
    GEMEL_CHECK(partial_shaping || named,
                "[{}] the shape of '{}' changes from {} to {} and was not given: set "
                "partial_shaping to allow it",
                current_function, name, array.shape(), shape);
    if (shape.size() <= array.size()) return array.view(0, shape);
    GEMEL_CHECK(allow_up_sizing,
                "[{}] the new shape {} of '{}' is larger than {}: set allow_up_sizing to make a "
                "new array",
                current_function, shape, name, array.shape());
    return zero_array(shape, array.dtype(), object.device, memory::Owner::array);
  };
  runtime::Bindings bindings;
  bindings.requests = old.requests;
  arguments = states = 0;
  for (size_t i = 0; i < names.size(); ++i) {
    if (is_auxiliary[i]) {
      bindings.auxiliary_states.push_back(
          adapt(old.auxiliary_states[states++], types.shapes[i], names[i]));
      continue;
    }
    const NDArray& gradient = old.gradients[arguments];
    bindings.arguments.push_back(adapt(old.arguments[arguments++], types.shapes[i], names[i]));
    bindings.gradients.push_back(gradient ? adapt(gradient, types.shapes[i], names[i]) : NDArray());
  }
  return std::make_shared<runtime::Executor>(symbol, std::move(bindings), object.device,
                                             DeviceOfGroup{}, object.executor.get());
}

void give_bindings(const runtime::Executor& executor, uint32_t* num_in_args,
                   NDArrayHandle** in_args, NDArrayHandle** arg_grads, uint32_t* num_aux_states,
                   NDArrayHandle** aux_states, Returned& returned) {
  const runtime::Bindings& bindings = executor.bindings();
  *given(num_in_args, "the number of arguments") = static_cast<uint32_t>(bindings.arguments.size());
  *given(in_args, "the arguments") = returned.numbers(new_handles(bindings.arguments));
  *given(arg_grads, "the gradients") = returned.numbers(new_handles(bindings.gradients));
  *given(num_aux_states, "the number of auxiliary states") =
      static_cast<uint32_t>(bindings.auxiliary_states.size());
  *given(aux_states, "the auxiliary states") =
      returned.numbers(new_handles(bindings.auxiliary_states));
}

}  // namespace gemel::c_api
