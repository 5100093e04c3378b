// What a backward pass keeps of the forward pass, and what it rather computes again.
#pragma once
#include <cstdint>
#include <functional>
#include <vector>

#include "graph/node.h"

namespace gemel {

// A value of the forward graph and the variable that stands for it in the backward graph.
struct SavedValue {
  Entry value;
  NodeRef placeholder;
};

struct RecomputeOptions {
  std::function<int64_t(const Entry&)> bytes;     // of any value of the forward graph
  std::function<bool(const Entry&)> kept_anyway;  // lives on without us: costs nothing to keep
  int64_t least_bytes = 64 << 10;                 // smaller values are not worth a node
};

// Values that one pass over memory gives back from others that are kept (pointwise operators and
// those with a `recompute` rule) leave `saved`; their readers among the nodes under
// `backward_heads`, which are changed in place, read nodes that compute them again, with equal
// bits. A value is never computed from one that is itself computed again, so of a chain of residual
// sums every other one is kept and the work stays linear. `saved` may gain values that several
// others follow from, when less is kept in all.
void recompute_cheap(std::vector<SavedValue>& saved, std::vector<Entry>& backward_heads,
                     const RecomputeOptions& options);

}  // namespace gemel
