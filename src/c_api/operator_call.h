// One imperative call as callers of the C ABI make it: attributes as text, a context among them.
#pragma once
#include "c_api/objects.h"
#include "runtime/invoke.h"

namespace gemel::c_api {

class OperatorCall {
 public:
  // Throws Error(Input) unless attributes and the number of inputs are right.
  OperatorCall(const OpInfo& op, Attributes attributes, std::span<const NDArray> in);

  size_t visible_outputs() const { return op_.visible_output_count(*parameters_); }
  const Parameters& parameters() const { return *parameters_; }
  // Outputs without memory are made.
  void run(std::span<const NDArray> in, std::span<NDArray> out) const {
    runtime::invoke(op_, parameters_, in, out, device_);
  }

 private:
  const OpInfo& op_;
  ParametersRef parameters_;
  Device device_;
};

}  // namespace gemel::c_api
