// Which pointwise nodes become one.
#pragma once
#include <vector>

#include "base/dtype.h"
#include "base/shape.h"
#include "graph/indexed.h"
#include "pointwise/operator.h"

namespace gemel::passes {

// The expressions of a node, or null when it is not pointwise.
const pointwise::Definition* pointwise_definition(const Node& node);

// Disjoint groups of nodes with equal output shape and one dtype. Replacing each group by one node
// leaves the graph without cycles.
class FusionGroups {
 public:
  FusionGroups(const IndexedGraph& graph, const std::vector<Shape>& shapes,
               const std::vector<DType>& dtypes);
  // Group of a node, -1 for nodes that stay alone.
  int group_of(int node) const { return group_of_[static_cast<size_t>(node)]; }
  // Node numbers in topological order; fewer than two where nothing was fused.
  const std::vector<int>& members(int group) const {
    return groups_[static_cast<size_t>(group)].members;
  }
  int count() const { return static_cast<int>(groups_.size()); }

 private:
  struct Group {
    std::vector<int> members;
    int primitives = 0;
  };
  bool is_candidate(int node) const;
  int primitive_count(int node) const;
  void join(int node);
  bool may_join(const std::vector<int>& members, int primitives) const;
  bool makes_cycle(const std::vector<int>& members) const;

  const IndexedGraph& graph_;
  const std::vector<Shape>& shapes_;
  const std::vector<DType>& dtypes_;
  std::vector<char> written_;  // entries that some node writes in place
  std::vector<int> group_of_;
  std::vector<Group> groups_;
};

}  // namespace gemel::passes
