// What bindings are told about an operator: made once, kept for ever.
#pragma once
#include <string>
#include <vector>

#include "op/op_info.h"

namespace gemel::c_api {

struct OperatorText {
  std::string name, description, variadic;  // `variadic`: the parameter that counts the inputs
  std::vector<const char*> names, types, descriptions;  // inputs, then parameters
  std::vector<std::string> kept;                        // what the addresses point into
};

const OperatorText& operator_text(const OpInfo& op);
// "int, optional, default='1'": a parameter's type as documentation has it.
std::string parameter_type_text(const Field& field);

}  // namespace gemel::c_api
