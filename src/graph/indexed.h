// A graph with numbers: what passes and the runtime iterate over.
#pragma once
#include <span>
#include <vector>

#include "base/pointer_map.h"
#include "graph/node.h"

namespace gemel {

// Nodes in topological order (inputs first); the outputs of node i are the entries
// first_entry[i] ... first_entry[i + 1] - 1. Immutable after construction; keeps its nodes alive.
class GEMEL_EXPORT IndexedGraph {
 public:
  IndexedGraph() = default;
  explicit IndexedGraph(std::vector<Entry> heads);

  int node_count() const { return static_cast<int>(nodes_.size()); }
  int entry_count() const { return first_entry_.back(); }
  Node* node(int i) const { return nodes_[static_cast<size_t>(i)]; }
  const std::vector<Node*>& nodes() const { return nodes_; }
  int first_entry(int node) const { return first_entry_[static_cast<size_t>(node)]; }
  int output_count(int node) const { return first_entry(node + 1) - first_entry(node); }
  // The node that computes an entry, and which of its outputs that is.
  int producer(int entry) const { return producer_[static_cast<size_t>(entry)]; }
  Node* node_of_entry(int entry) const { return node(producer(entry)); }
  int output_index(int entry) const { return entry - first_entry(producer(entry)); }
  // Entry numbers of a node's inputs.
  std::span<const int> inputs(int node) const {
    const size_t begin = first_input_[static_cast<size_t>(node)];
    return {inputs_.data() + begin, first_input_[static_cast<size_t>(node) + 1] - begin};
  }
  // Entry numbers of the heads.
  const std::vector<int>& heads() const { return heads_; }
  const std::vector<Entry>& head_entries() const { return head_entries_; }
  bool contains(const Node* node) const { return index_.contains(node); }
  int index_of(const Node* node) const { return index_.at(node); }  // -> node number
  int entry_id(const Entry& entry) const {
    return first_entry(index_of(entry.node.get())) + entry.index;
  }
  // Numbers of the variable nodes, in order.
  const std::vector<int>& variables() const { return variables_; }

 private:
  std::vector<Entry> head_entries_;
  std::vector<Node*> nodes_;
  PointerMap<Node, int> index_;
  std::vector<int> first_entry_{0};
  std::vector<int> producer_;
  std::vector<size_t> first_input_{0};
  std::vector<int> inputs_;
  std::vector<int> heads_;
  std::vector<int> variables_;
};

}  // namespace gemel
