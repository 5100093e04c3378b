// What a backward pass keeps of the forward pass, and what it rather computes again.
#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <unordered_map>
#include <unordered_set>
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

using KeptValues = std::unordered_set<Entry>;  // entries of version 0

// How values of the forward graph are computed again, with equal bits.
class RecomputeRules {
 public:
  // The node that gives the value in one pass over memory from others (pointwise operators and
  // those with a `recompute` rule); empty: none does.
  Entry cheap(const Entry& value);
  // With whatever work it takes: also the node itself, if it gives the same for the same inputs.
  Entry any(const Entry& value);

 private:
  std::unordered_map<Entry, Entry> cheap_, any_;
};

// What is kept if `saved` is wanted and only cheap rules are used. A value is never computed from
// one that is itself computed again, so of a chain of residual sums every other one is kept and the
// work stays linear. Values may be kept that `saved` has not and that several others follow from.
KeptValues keep_beside_cheap(const std::vector<SavedValue>& saved, const RecomputeOptions& options,
                             RecomputeRules& rules);

struct Recomputation {
  std::function<Entry(const Entry&)> rule;
  // Nodes of the backward graph that come before what computes a node of the forward graph again.
  std::unordered_map<const Node*, NodeRef> after;
};

// Saved values that are not to be kept leave `saved`; their readers among the nodes under
// `backward_heads`, which are changed in place, read nodes that compute them again from kept ones.
// What has no rule is kept.
void compute_again(std::vector<SavedValue>& saved, std::vector<Entry>& backward_heads,
                   const KeptValues& keep, const Recomputation& how);

}  // namespace gemel
