// Executors that make, or share, their arrays.
#include <algorithm>
#include <cstring>

#include "base/log.h"
#include "passes/infer_shape.h"
#include "passes/infer_type.h"
#include "runtime/executor.h"

namespace gemel::runtime {
namespace {

NDArray zeros(const Shape& shape, DType dtype, Device device, memory::Owner owner) {
  memory::OwnerScope scope(owner);
  NDArray array(shape, dtype, device);
  std::memset(array.data<std::byte>(), 0, array.bytes());
  return array;
}

template <typename T>
int place_of(const std::vector<T>& list, const T& name) {
  const auto found = std::find(list.begin(), list.end(), name);
  return found == list.end() ? -1 : static_cast<int>(found - list.begin());
}

struct Input {
  std::string name;
  Shape shape;
  DType dtype;
  Device device;
};

// The arrays of one input, from the first place that has them.
class Arrays {
 public:
  Arrays(BindRequest& request) : request_(request) {
    // Alone, the other executor shares nothing but its memory for internal values.
    if (!request.shared || (!request.use_buffer && request.shared_names.empty())) return;
    arguments_ = request.shared->symbol().list_arguments();
    states_ = request.shared->symbol().list_auxiliary_states();
  }

  NDArray state(const Input& input) const {
    if (const auto given = request_.values.find(input.name); given != request_.values.end())
      if (fits(given->second, input)) return given->second;
    if (const int at = place_of(states_, input.name); at >= 0) {
      const NDArray& state = request_.shared->bindings().auxiliary_states[static_cast<size_t>(at)];
      if (fits(state, input)) return state;
    }
    return zeros(input.shape, input.dtype, input.device, memory::Owner::parameter);
  }

  NDArray argument(const Input& input) {
    if (const auto given = request_.values.find(input.name); given != request_.values.end())
      return given->second;
    if (const int at = shared_place(input); at >= 0) {
      const NDArray& array = request_.shared->bindings().arguments[static_cast<size_t>(at)];
      GEMEL_CHECK(fits(array, input),
                  "[simple_bind] the shared argument '{}' is {} of shape {}, expected {} of shape "
                  "{}; give arguments that differ other names",
                  input.name, name_of(array.dtype()), array.shape(), name_of(input.dtype),
                  input.shape);
      return array;
    }
    return made(input, input.name, memory::Owner::parameter);
  }

  NDArray gradient(const Input& input) {
    if (const int at = shared_place(input); at >= 0) {
      const NDArray& array = request_.shared->bindings().gradients[static_cast<size_t>(at)];
      if (array && fits(array, input)) return array;
    }
    return made(input, "grad of " + input.name, memory::Owner::gradient);
  }

 private:
  static bool fits(const NDArray& array, const Input& input) {
    return array.shape() == input.shape && array.dtype() == input.dtype;
  }

  // Of an argument that is to be shared, in the other executor; else -1.
  int shared_place(const Input& input) const {
    return place_of(request_.shared_names, input.name) < 0 ? -1 : place_of(arguments_, input.name);
  }

  // Parameters that were to be shared stay out of the buffer.
  NDArray made(const Input& input, const std::string& name, memory::Owner owner) {
    const bool buffered = request_.use_buffer && place_of(request_.shared_names, input.name) < 0;
    if (!buffered) return zeros(input.shape, input.dtype, input.device, owner);
    for (auto& [key, array] : request_.buffer) {
      if (key != name) continue;
      GEMEL_CHECK(array.dtype() == input.dtype,
                  "[simple_bind] '{}' in the shared buffer is {}, expected {}", name,
                  name_of(array.dtype()), name_of(input.dtype));
      if (array.shape() == input.shape) return array;
      if (array.size() >= input.shape.size()) return array.view(0, input.shape);
      log::warning(
          "[simple_bind] '{}' has shape {}, larger than {} in the shared buffer, and gets new "
          "memory; bind the largest inputs first to share more",
          name, input.shape, array.shape());
      return array = zeros(input.shape, input.dtype, input.device, owner);
    }
    return request_.buffer.emplace_back(name, zeros(input.shape, input.dtype, input.device, owner))
        .second;
  }

  BindRequest& request_;
  std::vector<std::string> arguments_, states_;  // of the shared executor
};

// What is known about each input, in list_inputs() order. Names that are no inputs are passed over.
std::vector<Input> inferred_inputs(const Symbol& symbol, const BindRequest& request) {
  const IndexedGraph graph(symbol.outputs);
  std::vector<Shape> shapes(static_cast<size_t>(graph.entry_count()), Shape::unknown());
  std::vector<DType> dtypes(static_cast<size_t>(graph.entry_count()), DType::none);
  std::vector<size_t> entries;
  for (const NodeRef& node : symbol.input_nodes()) {
    entries.push_back(static_cast<size_t>(graph.entry_id(Entry{node, 0, 0})));
    for (const auto& [name, shape] : request.shapes)
      if (name == node->name) shapes[entries.back()] = shape;
    for (const auto& [name, dtype] : request.dtypes)
      if (name == node->name) dtypes[entries.back()] = dtype;
  }
  infer_shapes(graph, shapes, false);
  infer_types(graph, dtypes);
  PlacedGraph placed;
  if (!request.groups.empty())
    placed = place_devices(symbol.outputs, request.groups, request.device);
  std::vector<Input> inputs;
  const auto nodes = symbol.input_nodes();
  for (size_t i = 0; i < nodes.size(); ++i) {
    const Shape& shape = shapes[entries[i]];
    GEMEL_CHECK(
        shape.known(),
        "[simple_bind] the shape of '{}' could not be inferred, got {}; give it as an argument",
        nodes[i]->name, shape);
    const DType dtype = dtypes[entries[i]];
    const auto device = placed.devices.find(nodes[i].get());
    inputs.push_back({nodes[i]->name, shape, dtype == DType::none ? DType::float32 : dtype,
                      device == placed.devices.end() ? request.device : device->second});
  }
  return inputs;
}

}  // namespace

std::shared_ptr<Executor> Executor::simple_bind(const Symbol& symbol, BindRequest& request) {
  GEMEL_CHECK(is_available(request.device), "[simple_bind] the device {} is not available here",
              to_string(request.device));
  for (const auto& [group, device] : request.groups)
    GEMEL_CHECK(is_available(device), "[simple_bind] the device {} of group '{}' is not available",
                to_string(device), group);
  const std::vector<Input> inputs = inferred_inputs(symbol, request);
  const auto is_auxiliary = symbol.input_is_auxiliary();
  Arrays arrays(request);
  Bindings bindings;
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (is_auxiliary[i]) {
      bindings.auxiliary_states.push_back(arrays.state(inputs[i]));
      continue;
    }
    const GradRequest wanted = request.requests[bindings.arguments.size()];
    bindings.arguments.push_back(arrays.argument(inputs[i]));
    bindings.requests.push_back(wanted);
    bindings.gradients.push_back(wanted == GradRequest::null ? NDArray()
                                                             : arrays.gradient(inputs[i]));
  }
  return std::make_shared<Executor>(symbol, std::move(bindings), request.device, request.groups,
                                    request.shared);
}

std::shared_ptr<Executor> Executor::simple_bind(
    const Symbol& symbol, Device device, const std::vector<std::pair<std::string, Shape>>& shapes,
    const std::vector<std::pair<std::string, DType>>& dtypes,
    const std::vector<std::pair<std::string, GradRequest>>& requests, GradRequest default_request) {
  BindRequest request;
  request.device = device;
  request.shapes = shapes;
  request.dtypes = dtypes;
  for (const std::string& name : symbol.list_arguments()) {
    request.requests.push_back(default_request);
    for (const auto& [key, wanted] : requests)
      if (key == name) request.requests.back() = wanted;
  }
  return simple_bind(symbol, request);
}

}  // namespace gemel::runtime
