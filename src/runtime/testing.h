// For the tests of runtime: arrays of given values, recording scopes, graphs by name.
#pragma once
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "graph/symbol.h"
#include "op/registry.h"
#include "runtime/autograd.h"
#include "runtime/invoke.h"
#include "simd/convert.h"

namespace gemel::runtime::testing {

inline NDArray make_array(const Shape& shape, const std::vector<double>& values,
                          DType dtype = DType::float32) {
  GEMEL_CHECK(static_cast<int64_t>(values.size()) == shape.size(), "{} values for shape {}",
              values.size(), shape);
  NDArray array(shape, dtype);
  std::vector<std::byte> bytes(static_cast<size_t>(array.bytes()));
  simd::store_function<double>(dtype)(values.data(), bytes.data(), values.size());
  array.copy_from_host(bytes.data(), array.bytes());
  return array;
}

inline NDArray filled(const Shape& shape, double value, DType dtype = DType::float32) {
  return make_array(shape, std::vector<double>(static_cast<size_t>(shape.size()), value), dtype);
}

// Evenly distributed in [low, high), the same for the same generator.
inline NDArray random_array(const Shape& shape, std::mt19937& generator, double low = -1,
                            double high = 1, DType dtype = DType::float32) {
  std::vector<double> values;
  for (int64_t i = 0; i < shape.size(); ++i)
    values.push_back(low + (high - low) * (generator() / 4294967296.0));
  return make_array(shape, values, dtype);
}

inline std::vector<std::byte> bytes_of(const NDArray& array) {
  std::vector<std::byte> bytes(static_cast<size_t>(array.bytes()));
  array.copy_to_host(bytes.data(), array.bytes());
  return bytes;
}

inline std::vector<double> values_of(const NDArray& array) {
  const std::vector<std::byte> bytes = bytes_of(array);
  std::vector<double> values(static_cast<size_t>(array.size()));
  simd::load_function<double>(array.dtype())(bytes.data(), values.data(), values.size());
  return values;
}

inline NDArray call(std::string_view op, std::vector<NDArray> in,
                    const Attributes& attributes = {}) {
  return invoke(op, in, attributes).at(0);
}

inline void call_into(std::string_view name, std::vector<NDArray> in, NDArray out,
                      const Attributes& attributes = {}) {
  const OpInfo& op = require_op(name);
  NDArray outputs[1] = {std::move(out)};
  invoke(op, cached_parameters(op, attributes), in, outputs);
}

template <typename Function>
std::string message_of(Function&& function) {
  try {
    function();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

// Records (and trains) while it lives.
class Recording {
 public:
  explicit Recording(bool on = true) : recording_(set_recording(on)), training_(set_training(on)) {}
  ~Recording() {
    set_recording(recording_);
    set_training(training_);
  }
  Recording(const Recording&) = delete;
  Recording& operator=(const Recording&) = delete;

 private:
  bool recording_, training_;
};

// A copy of `value` that wants a gradient.
inline NDArray make_variable_array(const NDArray& value, GradRequest request = GradRequest::write) {
  NDArray variable = value.copy();
  mark_variable(variable, filled(value.shape(), 0, value.dtype()), request);
  return variable;
}

inline void backward(const NDArray& head, const NDArray& head_gradient = {},
                     bool retain_graph = false) {
  const NDArray heads[1] = {head}, gradients[1] = {head_gradient};
  runtime::backward(heads, gradients, retain_graph, true);
}

inline std::vector<double> gradient_values(const NDArray& variable) {
  return values_of(gradient_of(variable));
}

inline Symbol node(const std::string& op, const std::string& name,
                   const std::vector<Symbol>& inputs, const Attributes& attributes = {}) {
  return Symbol::create(require_op(op), name, attributes, inputs, {});
}

}  // namespace gemel::runtime::testing
