#include "passes/typed_entries.h"

#include <algorithm>
#include <tuple>

#include "passes/infer_shape.h"
#include "passes/infer_type.h"

namespace gemel {

TypedEntries::TypedEntries(const IndexedGraph& graph, const KnownInputs& known)
    : shapes(static_cast<size_t>(graph.entry_count()), Shape::unknown()),
      dtypes(static_cast<size_t>(graph.entry_count()), DType::none) {
  for (const int n : graph.variables())
    if (const auto found = known.find(graph.node(n)); found != known.end())
      set(graph.first_entry(n), found->second);
}

void TypedEntries::set(int entry, const std::pair<Shape, DType>& value) {
  std::tie(shapes[static_cast<size_t>(entry)], dtypes[static_cast<size_t>(entry)]) = value;
}

std::pair<Shape, DType> TypedEntries::at(int entry) const {
  return {shapes[static_cast<size_t>(entry)], dtypes[static_cast<size_t>(entry)]};
}

void TypedEntries::infer(const IndexedGraph& graph) {
  infer_shapes(graph, shapes, true);
  infer_types(graph, dtypes);
  std::replace(dtypes.begin(), dtypes.end(), DType::none, DType::float32);
}

}  // namespace gemel
