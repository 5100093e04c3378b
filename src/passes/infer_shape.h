// Shape inference over a whole graph, in both directions.
#pragma once
#include <string>
#include <utility>
#include <vector>

#include "base/shape.h"
#include "graph/indexed.h"

namespace gemel {

// `shapes` holds one shape an entry of `graph`: what is known (Shape::unknown() otherwise). Fills
// in what follows; what does not follow stays unknown. Variables whose shape is not given take that
// of their `__shape__` attribute (0 and () mean unknown there). A contradiction is Error(Input)
// that names the operator and the node.
GEMEL_EXPORT void infer_shapes(const IndexedGraph& graph, std::vector<Shape>& shapes,
                               bool training = false);

// The same from shapes of variables by name. A name that the graph does not have is Error(Input).
GEMEL_EXPORT std::vector<Shape> infer_shapes(
    const IndexedGraph& graph, const std::vector<std::pair<std::string, Shape>>& known,
    bool training = false);

}  // namespace gemel
