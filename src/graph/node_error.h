// Adds a node's name to an error that knows only the operator.
#pragma once
#include "base/error.h"
#include "graph/node.h"

namespace gemel {

// "[FullyConnected] weight: ..." becomes "[FullyConnected] node fc1: weight: ..."; the kind stays.
[[noreturn]] inline void rethrow_with_node(const Error& error, std::string_view op_name,
                                           std::string_view node_name) {
  const std::string text = error.what();
  const std::string prefix = fmt::format("[{}] ", op_name);
  const std::string rest = text.starts_with(prefix) ? text.substr(prefix.size()) : text;
  throw_error(error.kind(), fmt::format("{}node {}: {}", prefix, node_name, rest));
}

}  // namespace gemel
