// For the tests of operators: run one operator on small arrays, and evaluate the graphs that
// gradient rules build, without an engine.
#pragma once
#include <cmath>
#include <cstring>
#include <map>
#include <unordered_map>
#include <vector>

#include "op/registry.h"
#include "simd/convert.h"

namespace gemel::testing {

struct Array {
  Shape shape;
  DType dtype = DType::float32;
  std::vector<std::byte> bytes;

  Array() = default;
  Array(const Shape& shape, DType dtype)
      : shape(shape), dtype(dtype), bytes(static_cast<size_t>(shape.size() * size_of(dtype))) {}
  Array(const Shape& shape, const std::vector<double>& values, DType dtype = DType::float32)
      : Array(shape, dtype) {
    GEMEL_CHECK(static_cast<int64_t>(values.size()) == shape.size(), "{} values for shape {}",
                values.size(), shape);
    simd::store_function<double>(dtype)(values.data(), bytes.data(), values.size());
  }
  Tensor tensor() { return Tensor(bytes.data(), shape, dtype); }
  std::vector<double> values() const {
    std::vector<double> result(static_cast<size_t>(shape.size()));
    simd::load_function<double>(dtype)(bytes.data(), result.data(), result.size());
    return result;
  }
};

inline std::vector<Array> call(const OpInfo& op, ParametersRef parameters,
                               std::vector<Array> inputs, RandomStream random = {},
                               bool training = false, std::string_view implementation_name = {}) {
  const int outputs = op.output_count(*parameters);
  std::vector<Shape> in_shapes, out_shapes(outputs, Shape::unknown());
  std::vector<DType> in_types, out_types(outputs, DType::none);
  for (const Array& a : inputs) {
    in_shapes.push_back(a.shape);
    in_types.push_back(a.dtype);
  }
  ShapeContext shapes{op, *parameters, in_shapes, out_shapes, training};
  op.shape_rule(shapes);
  TypeContext types{op, *parameters, in_types, out_types};
  if (op.type_rule)
    op.type_rule(types);
  else
    same_type(types);
  std::vector<Array> result;
  std::vector<Tensor> in, out;
  for (int i = 0; i < outputs; ++i) {
    GEMEL_CHECK(out_shapes[i].known() && out_types[i] != DType::none,
                "[{}] output {} is not known: {} {}", op.name(), i, out_shapes[i],
                static_cast<int>(out_types[i]));
    result.emplace_back(out_shapes[i], out_types[i]);
    std::memset(result.back().bytes.data(), 0x5a, result.back().bytes.size());
  }
  for (Array& a : inputs) in.push_back(a.tensor());
  for (Array& a : result) out.push_back(a.tensor());
  OpCall call{op, *parameters, in, out, training};
  call.random = random;
  const Implementation* chosen = implementation_name.empty() ? &op.choose(call) : nullptr;
  for (const Implementation& candidate : op.implementations)
    if (!chosen && candidate.name == implementation_name) chosen = &candidate;
  GEMEL_CHECK(chosen, "[{}] has no implementation '{}'", op.name(), implementation_name);
  const Implementation& implementation = *chosen;
  const std::unique_ptr<Prepared> prepared =
      implementation.prepare ? implementation.prepare(call) : nullptr;
  call.prepared = prepared.get();
  std::vector<std::byte> workspace(
      implementation.workspace ? static_cast<size_t>(implementation.workspace(call)) + 64 : 64);
  call.workspace =
      workspace.data() + (64 - reinterpret_cast<uintptr_t>(workspace.data()) % 64) % 64;
  implementation.kernel(call);
  return result;
}

inline std::vector<Array> call(std::string_view name, std::vector<Array> inputs,
                               const Attributes& attributes = {}, RandomStream random = {}) {
  const OpInfo& op = require_op(name);
  return call(op, op.parse(attributes), std::move(inputs), random);
}

// Evaluates entries of a graph whose variables are given by node.
class Evaluator {
 public:
  std::unordered_map<const Node*, std::vector<Array>> known;
  Array operator()(const Entry& entry) {
    for (Node* node : topological_order({entry})) {
      if (known.count(node)) continue;
      std::vector<Array> inputs;
      for (const Entry& e : node->inputs) inputs.push_back(known.at(e.node.get()).at(e.index));
      known[node] =
          call(static_cast<const OpInfo&>(*node->op), node->parameters, std::move(inputs));
    }
    return known.at(entry.node.get()).at(entry.index);
  }
};

// Gradient entries of `node` for the given head gradients.
inline std::vector<Entry> gradient_of(const NodeRef& node, std::vector<Entry> heads) {
  const auto& op = static_cast<const OpInfo&>(*node->op);
  return op.gradient_rule(GradientContext{*node, node, std::move(heads)});
}

}  // namespace gemel::testing
