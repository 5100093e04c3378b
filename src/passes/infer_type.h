// Element type inference over a whole graph, in both directions.
#pragma once
#include <string>
#include <utility>
#include <vector>

#include "base/dtype.h"
#include "graph/indexed.h"

namespace gemel {

// `dtypes` holds one type an entry of `graph`: what is known (DType::none otherwise). Fills in what
// follows; what does not follow stays none. Variables whose type is not given take that of their
// `__dtype__` attribute. A contradiction is an Error that names the operator and the node.
GEMEL_EXPORT void infer_types(const IndexedGraph& graph, std::vector<DType>& dtypes);

// The same from types of variables by name. A name that the graph does not have is Error(Input).
GEMEL_EXPORT std::vector<DType> infer_types(
    const IndexedGraph& graph, const std::vector<std::pair<std::string, DType>>& known);

}  // namespace gemel
