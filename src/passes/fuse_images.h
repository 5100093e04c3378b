// Chains of operators on images become one `_fused_image` node each (ops/image/chain.h).
#pragma once
#include <vector>

#include "graph/indexed.h"

namespace gemel {

// The heads of an equal graph with fewer nodes, for inference. Random numbers are drawn by a chain
// as a whole: only in a graph that becomes a single chain are they those of the nodes one by one.
std::vector<Entry> fuse_images(const std::vector<Entry>& heads);

}  // namespace gemel
