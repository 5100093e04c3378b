// Casts that automatic mixed precision put into a graph.
#pragma once
#include "graph/symbol.h"

namespace gemel {

// The graph without amp_cast and amp_multicast, whose inputs take their place;
// a cast whose output is the graph's own stays, as in 1.9.1.
GEMEL_EXPORT Symbol without_amp_cast(const Symbol& symbol);

}  // namespace gemel
