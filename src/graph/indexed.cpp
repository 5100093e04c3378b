#include "graph/indexed.h"

#include "base/error.h"

namespace gemel {

IndexedGraph::IndexedGraph(std::vector<Entry> heads)
    : head_entries_(std::move(heads)), nodes_(topological_order(head_entries_)) {
  index_.reserve(nodes_.size());
  first_entry_.reserve(nodes_.size() + 1);
  first_input_.reserve(nodes_.size() + 1);
  for (size_t i = 0; i < nodes_.size(); ++i) {
    const Node& node = *nodes_[i];
    index_.try_emplace(&node, static_cast<int>(i));
    const int count = node.output_count();
    first_entry_.push_back(first_entry_.back() + count);
    producer_.insert(producer_.end(), static_cast<size_t>(count), static_cast<int>(i));
    for (const Entry& entry : node.inputs) inputs_.push_back(entry_id(entry));
    first_input_.push_back(inputs_.size());
    if (node.is_variable()) variables_.push_back(static_cast<int>(i));
  }
  for (const Entry& head : head_entries_) {
    GEMEL_ASSERT(head.node != nullptr);
    heads_.push_back(entry_id(head));
  }
}

}  // namespace gemel
