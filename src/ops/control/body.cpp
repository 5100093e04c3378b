#include "ops/control/body.h"

#include <cmath>
#include <cstring>

#include "array/convert.h"

namespace gemel::control {

std::vector<int> as_indices(const char* who, const std::vector<double>& locations, size_t limit) {
  std::vector<int> indices;
  for (double location : locations) {
    GEMEL_CHECK(
        location >= 0 && location < static_cast<double>(limit) && location == std::floor(location),
        "[{}] location {} is out of range, expected an integer from 0 to {}", who, location,
        static_cast<int64_t>(limit) - 1);
    indices.push_back(static_cast<int>(location));
  }
  return indices;
}

Body make_body(const char* who, std::shared_ptr<Symbol> graph, std::vector<int> outer, int inputs) {
  Body body;
  body.graph = std::move(graph);
  for (bool written : body.graph->input_is_auxiliary()) body.auxiliary.push_back(written);
  GEMEL_CHECK(outer.size() == body.auxiliary.size(),
              "[{}] a subgraph has {} inputs, got locations for {}", who, body.auxiliary.size(),
              outer.size());
  for (int index : outer)
    GEMEL_CHECK(index >= 0 && index < inputs, "[{}] a subgraph takes input {}, there are {} inputs",
                who, index, inputs);
  body.outer = std::move(outer);
  body.runner = make_subgraph_runner(body.graph);
  return body;
}

std::vector<int> written_inputs(std::initializer_list<const Body*> bodies, int offset) {
  std::vector<int> written;
  for (const Body* body : bodies)
    for (size_t i = 0; i < body->outer.size(); ++i)
      if (body->auxiliary[i]) written.push_back(body->outer[i] + offset);
  std::sort(written.begin(), written.end());
  written.erase(std::unique(written.begin(), written.end()), written.end());
  return written;
}

std::vector<std::string> numbered(const char* stem, int count) {
  std::vector<std::string> names;
  for (int i = 0; i < count; ++i) names.push_back(stem + std::to_string(i));
  return names;
}

std::vector<std::string> output_names(int count) {
  return count == 1 ? std::vector<std::string>{"output"} : numbered("output", count);
}

bool holds(const Body& condition, std::span<const Tensor> in, bool training, RandomStream random) {
  std::vector<Shape> shapes, shape{Shape::unknown()};
  std::vector<DType> dtypes, dtype{DType::none};
  for (const Tensor& tensor : in) {
    shapes.push_back(tensor.shape);
    dtypes.push_back(tensor.dtype);
  }
  condition.runner->infer_shapes(shapes, shape, training);
  condition.runner->infer_types(dtypes, dtype);
  GEMEL_CHECK(shape[0].size() == 1, "the condition must be one number, got shape {}", shape[0]);
  double room = 0, number = 0;
  const Tensor out(&room, shape[0], dtype[0] == DType::none ? DType::float32 : dtype[0]);
  condition.runner->forward(in, std::span(&out, 1), training, random);
  convert(Tensor(&room, Shape{1}, out.dtype), Tensor(&number, Shape{1}, DType::float64));
  return number != 0;
}

void copy_bytes(const Tensor& from, const Tensor& to) {
  if (from.bytes() > 0) std::memcpy(to.address, from.address, static_cast<size_t>(from.bytes()));
}

void clear(const Tensor& tensor) {
  if (tensor.bytes() > 0) std::memset(tensor.address, 0, static_cast<size_t>(tensor.bytes()));
}

Tensor row(const Tensor& tensor, int64_t index) {
  const Shape shape = without_rows(tensor.shape);
  return Tensor(tensor.address + index * shape.size() * size_of(tensor.dtype), shape, tensor.dtype,
                tensor.device);
}

Shape without_rows(const Shape& shape) {
  if (shape.ndim() < 1) return Shape::unknown();
  if (shape.ndim() == 1) return Shape{1};
  return Shape(std::span<const int64_t>(shape.begin() + 1, shape.end()));
}

Shape with_rows(int64_t rows, const Shape& shape) {
  if (shape.ndim() < 0) return Shape::unknown();
  Shape result{rows};
  for (int64_t axis : shape) result.push_back(axis);
  return result;
}

}  // namespace gemel::control
