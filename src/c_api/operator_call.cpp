#include "c_api/operator_call.h"

namespace gemel::c_api {
namespace {

bool has_parameter(const OpInfo& op, std::string_view name) {
  for (const Field& field : op.spec.fields)
    if (field.name == name) return true;
  return false;
}

}  // namespace

OperatorCall::OperatorCall(const OpInfo& op, Attributes attributes, std::span<const NDArray> in)
    : op_(op) {
  if (!op.variadic.empty()) attributes.try_emplace(op.variadic, std::to_string(in.size()));
  if (const auto context = attributes.find("ctx"); context != attributes.end()) {
    if (!context->second.empty()) device_ = device_from_string(context->second);
    device_ = device_of(static_cast<int>(device_.kind), device_.id);
    if (!has_parameter(op, "ctx")) attributes.erase(context);
  }
  parameters_ = runtime::cached_parameters(op, attributes);
  const size_t expected = op.input_names(*parameters_).size();
  GEMEL_CHECK(in.size() == expected, "[{}] expected {} inputs ({}), got {}", op.name(), expected,
              fmt::join(op.input_names(*parameters_), ", "), in.size());
}

}  // namespace gemel::c_api
