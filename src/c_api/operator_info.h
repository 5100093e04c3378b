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

}  // namespace gemel::c_api
