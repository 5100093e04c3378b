// What a record is kept under: a graph with its shapes and dtypes, the settings in force, and the
// machine with its libraries. Names of nodes are no part of it, so equal networks share a record.
#pragma once
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "base/dtype.h"
#include "base/export.h"
#include "base/shape.h"
#include "graph/node.h"
#include "op/op_info.h"

namespace gemel::record {

// One variable of the graph, as it is bound.
struct BoundInput {
  Shape shape;
  DType dtype = DType::float32;
  bool wants_gradient = false;
};
using BoundInputOf = std::function<BoundInput(const Node&)>;

// 32 hexadecimal digits. `training`: the graph is run as training runs it.
GEMEL_EXPORT std::string graph_key(const std::vector<Entry>& heads, const BoundInputOf& input,
                                   bool training);
// The same for values of settings that differ from those in force ("fpmath" = "high").
GEMEL_EXPORT std::string graph_key(
    const std::vector<Entry>& heads, const BoundInputOf& input, bool training,
    const std::vector<std::pair<std::string, std::string>>& settings);

// The operator, its parameters, and the inputs' shapes and dtypes: calls that are alike in these
// prefer one implementation.
GEMEL_EXPORT std::string call_signature(const OpCall& call);

// This CPU and the versions of the libraries that compute.
GEMEL_EXPORT const std::string& machine();

}  // namespace gemel::record
