// Operators for the tests of passes: shapes, types and gradients, no arithmetic.
// Their names begin with "_test_pass_".
#pragma once
#include "graph/symbol.h"
#include "op/registry.h"

namespace gemel::testing {

inline Entry variable(const std::string& name, Attributes attributes = {}) {
  return {make_variable(name, std::move(attributes)), 0, 0};
}
inline Entry apply(const std::string& op, std::vector<Entry> inputs, Attributes attributes = {},
                   const std::string& name = "") {
  static int count = 0;
  return {
      make_node(require_op("_test_pass_" + op), name.empty() ? op + std::to_string(count++) : name,
                std::move(inputs), std::move(attributes)),
      0, 0};
}

}  // namespace gemel::testing
