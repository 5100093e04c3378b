#include "op/registry.h"
#include "passes/infer_shape.h"
#include "passes/infer_type.h"
#include "runtime/executor.h"
#include "runtime/invoke.h"

namespace gemel::runtime {
namespace {

template <typename T>
const T* find_named(const std::vector<std::pair<std::string, T>>& list, const std::string& name) {
  for (const auto& [key, value] : list)
    if (key == name) return &value;
  return nullptr;
}

NDArray zeros(const Shape& shape, DType dtype, Device device, memory::Owner owner) {
  memory::OwnerScope scope(owner);
  NDArray array(shape, dtype, device);
  std::memset(array.data<std::byte>(), 0, array.bytes());
  return array;
}

}  // namespace

std::shared_ptr<Executor> Executor::simple_bind(
    const Symbol& symbol, Device device, const std::vector<std::pair<std::string, Shape>>& shapes,
    const std::vector<std::pair<std::string, DType>>& dtypes,
    const std::vector<std::pair<std::string, GradRequest>>& requests, GradRequest default_request) {
  GEMEL_CHECK(is_available(device), "[simple_bind] the device {} is not available here",
              to_string(device));
  const IndexedGraph graph(symbol.outputs);
  std::vector<Shape> entry_shapes(graph.entry_count(), Shape::unknown());
  std::vector<DType> entry_dtypes(graph.entry_count(), DType::none);
  const auto nodes = symbol.input_nodes();
  const auto is_auxiliary = symbol.input_is_auxiliary();
  const auto names = symbol.list_inputs();
  for (size_t i = 0; i < nodes.size(); ++i) {
    const int entry = graph.entry_id(Entry{nodes[i], 0, 0});
    if (const Shape* shape = find_named(shapes, names[i])) entry_shapes[entry] = *shape;
    if (const DType* dtype = find_named(dtypes, names[i])) entry_dtypes[entry] = *dtype;
  }
  infer_shapes(graph, entry_shapes, false);
  infer_types(graph, entry_dtypes);

  Bindings bindings;
  for (size_t i = 0; i < nodes.size(); ++i) {
    const int entry = graph.entry_id(Entry{nodes[i], 0, 0});
    const Shape& shape = entry_shapes[entry];
    GEMEL_CHECK(
        shape.known(),
        "[simple_bind] the shape of '{}' could not be inferred, got {}; give it as an argument",
        names[i], shape);
    const DType dtype = entry_dtypes[entry] == DType::none ? DType::float32 : entry_dtypes[entry];
    if (is_auxiliary[i]) {
      bindings.auxiliary_states.push_back(zeros(shape, dtype, device, memory::Owner::parameter));
      continue;
    }
    const GradRequest* request = find_named(requests, names[i]);
    const GradRequest wanted = request ? *request : default_request;
    bindings.arguments.push_back(zeros(shape, dtype, device, memory::Owner::parameter));
    bindings.requests.push_back(wanted);
    bindings.gradients.push_back(wanted == GradRequest::null
                                     ? NDArray()
                                     : zeros(shape, dtype, device, memory::Owner::gradient));
  }
  return std::make_shared<Executor>(symbol, std::move(bindings), device);
}

}  // namespace gemel::runtime
