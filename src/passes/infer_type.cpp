#include "passes/infer_type.h"

#include "op/registry.h"
#include "passes/by_name.h"
#include "passes/fixpoint.h"

namespace gemel {
namespace {

// The number of a type, as files hold it, or a name.
DType attribute_type(const Node& node) {
  const auto found = node.attributes.find("__dtype__");
  if (found == node.attributes.end()) return DType::none;
  const std::string& text = found->second;
  if (text.find_first_not_of("-0123456789") != std::string::npos) return dtype_from_name(text);
  int flag = -1;
  parse_value(text, flag);
  GEMEL_CHECK(flag == -1 || is_valid_dtype_flag(flag),
              "variable {}: attribute __dtype__: there is no dtype {}", node.name, text);
  return static_cast<DType>(flag);
}

}  // namespace

void infer_types(const IndexedGraph& graph, std::vector<DType>& dtypes) {
  GEMEL_ASSERT(static_cast<int>(dtypes.size()) == graph.entry_count());
  for (int n : graph.variables()) {
    DType& dtype = dtypes[static_cast<size_t>(graph.first_entry(n))];
    if (dtype == DType::none) dtype = attribute_type(*graph.node(n));
  }
  passes::run_to_fixpoint(
      graph, dtypes,
      [](const Node& node, const OpInfo& op, std::vector<DType>& in, std::vector<DType>& out) {
        TypeContext context{op, *node.parameters, in, out};
        if (op.type_rule)
          op.type_rule(context);
        else
          same_type(context);
      },
      [](DType dtype) { return dtype != DType::none; });
}

std::vector<DType> infer_types(const IndexedGraph& graph,
                               const std::vector<std::pair<std::string, DType>>& known) {
  std::vector<DType> dtypes(static_cast<size_t>(graph.entry_count()), DType::none);
  passes::assign_by_name(graph, known, dtypes);
  infer_types(graph, dtypes);
  return dtypes;
}

}  // namespace gemel
