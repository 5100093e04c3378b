#include "passes/fuse.h"

#include <unordered_map>

#include "op/registry.h"
#include "passes/fuse_groups.h"
#include "passes/with_inputs.h"

namespace gemel {
namespace {

using passes::FusionGroups;
using pointwise::Expr;

// Rebuilds the graph with one node for each group.
class Fusion {
 public:
  Fusion(const IndexedGraph& graph, const std::vector<Shape>& shapes,
         const std::vector<DType>& dtypes)
      : graph_(graph),
        shapes_(shapes),
        dtypes_(dtypes),
        groups_(graph, shapes, dtypes),
        replacement_(static_cast<size_t>(graph.entry_count())),
        rebuilt_(static_cast<size_t>(graph.node_count())),
        needed_(static_cast<size_t>(graph.entry_count()), 0) {
    for (int n = 0; n < graph.node_count(); ++n)
      for (int entry : graph.inputs(n))
        if (fused(graph.producer(entry)) < 0 ||
            groups_.group_of(n) != groups_.group_of(graph.producer(entry)))
          needed_[static_cast<size_t>(entry)] = 1;
    for (int head : graph.heads()) needed_[static_cast<size_t>(head)] = 1;
  }

  std::vector<Entry> run() {
    for (int head : graph_.heads()) build(graph_.producer(head));
    std::vector<Entry> heads;
    for (size_t i = 0; i < graph_.heads().size(); ++i)
      heads.push_back(renewed(graph_.heads()[i], graph_.head_entries()[i]));
    return heads;
  }

 private:
  // The group that a node disappears into; -1 for nodes that stay.
  int fused(int n) const {
    const int group = groups_.group_of(n);
    return group >= 0 && groups_.members(group).size() > 1 ? group : -1;
  }

  Entry renewed(int entry, const Entry& old) const {
    Entry result = replacement_[static_cast<size_t>(entry)];
    result.version = old.version;
    return result;
  }

  // Builds what the node depends on, then the node: depth first, without recursion. A fused group
  // is built when its last dependency is.
  void build(int target) {
    std::vector<std::pair<int, bool>> stack{{target, false}};
    while (!stack.empty()) {
      const auto [n, ready] = stack.back();
      stack.pop_back();
      if (rebuilt_[static_cast<size_t>(n)]) continue;
      if (ready) {
        emit(n);
        continue;
      }
      stack.push_back({n, true});
      const int group = fused(n);
      const std::vector<int> alone{n};
      const std::vector<int>& members = group < 0 ? alone : groups_.members(group);
      for (size_t m = members.size(); m-- > 0;) {
        const Node& node = *graph_.node(members[m]);
        for (const NodeRef& other : node.control)
          stack.push_back({graph_.index_of(other.get()), false});
        const auto inputs = graph_.inputs(members[m]);
        for (size_t i = inputs.size(); i-- > 0;) {
          const int producer = graph_.producer(inputs[i]);
          if (!rebuilt_[static_cast<size_t>(producer)] &&
              (group < 0 || groups_.group_of(producer) != group))
            stack.push_back({producer, false});
        }
      }
    }
  }

  void emit(int n) {
    const int group = fused(n);
    if (group >= 0)
      emit_group(groups_.members(group));
    else
      emit_node(n);
  }

  void emit_node(int n) {
    Node& node = *graph_.node(n);
    NodeRef result = node.shared_from_this();
    const auto inputs = graph_.inputs(n);
    bool same = true;
    for (size_t i = 0; i < inputs.size(); ++i)
      same = same && replacement_[static_cast<size_t>(inputs[i])].node == node.inputs[i].node;
    for (const NodeRef& other : node.control)
      same = same && rebuilt_[static_cast<size_t>(graph_.index_of(other.get()))] == other;
    if (!same) {
      std::vector<Entry> renewed_inputs;
      for (size_t i = 0; i < inputs.size(); ++i)
        renewed_inputs.push_back(renewed(inputs[i], node.inputs[i]));
      result = passes::with_inputs(node, std::move(renewed_inputs), [&](const Entry& entry) {
        return Entry{rebuilt_[static_cast<size_t>(graph_.index_of(entry.node.get()))]};
      });
    }
    rebuilt_[static_cast<size_t>(n)] = result;
    for (int i = 0; i < graph_.output_count(n); ++i)
      replacement_[static_cast<size_t>(graph_.first_entry(n) + i)] = {result, i, 0};
  }

  void emit_group(const std::vector<int>& members) {
    std::unordered_map<int, Expr>
        expressions;  // by entry: inputs of the group and what it computes
    std::vector<Entry> inputs;
    std::vector<double> scalars;
    std::vector<Expr> outputs;
    std::vector<int> output_entries;
    const Shape& shape = shapes_[static_cast<size_t>(graph_.first_entry(members[0]))];
    bool broadcast = false;
    for (int member : members) {
      const Node& node = *graph_.node(member);
      std::vector<Expr> arguments, constants;
      const auto entries = graph_.inputs(member);
      for (size_t i = 0; i < entries.size(); ++i) {
        auto found = expressions.find(entries[i]);
        if (found == expressions.end()) {
          found = expressions.emplace(entries[i], pointwise::input(static_cast<int>(inputs.size())))
                      .first;
          inputs.push_back(renewed(entries[i], node.inputs[i]));
          broadcast = broadcast || !(shapes_[static_cast<size_t>(entries[i])] == shape);
        }
        arguments.push_back(found->second);
      }
      const pointwise::Definition& definition = *passes::pointwise_definition(node);
      for (double value : definition.scalars(*node.parameters)) {
        constants.push_back(pointwise::scalar(static_cast<int>(scalars.size())));
        scalars.push_back(value);
      }
      const std::vector<Expr> values = definition.value(*node.parameters);
      for (size_t i = 0; i < values.size(); ++i) {
        const int entry = graph_.first_entry(member) + static_cast<int>(i);
        const Expr value = pointwise::substitute(values[i], arguments, constants);
        // What was stored and loaded again between the nodes keeps the bits that storing leaves.
        expressions.insert_or_assign(
            entry, pointwise::round_to(dtypes_[static_cast<size_t>(entry)], value));
        if (!needed_[static_cast<size_t>(entry)]) continue;
        outputs.push_back(value);
        output_entries.push_back(entry);
      }
    }
    const int count = static_cast<int>(inputs.size());
    const NodeRef node = make_node(
        require_op("_pointwise"), name_of_group(members), std::move(inputs),
        pointwise::make_pointwise(std::move(outputs), std::move(scalars), count, broadcast));
    for (int member : members) rebuilt_[static_cast<size_t>(member)] = node;
    for (size_t i = 0; i < output_entries.size(); ++i)
      replacement_[static_cast<size_t>(output_entries[i])] = {node, static_cast<int32_t>(i), 0};
  }

  std::string name_of_group(const std::vector<int>& members) const {
    constexpr size_t most_names = 4;
    std::string name;
    for (size_t i = 0; i < std::min(members.size(), most_names); ++i)
      name += (name.empty() ? "" : "+") + graph_.node(members[i])->name;
    if (members.size() > most_names)
      name += "+" + std::to_string(members.size() - most_names) + "more";
    return name;
  }

  const IndexedGraph& graph_;
  const std::vector<Shape>& shapes_;
  const std::vector<DType>& dtypes_;
  FusionGroups groups_;
  std::vector<Entry> replacement_;  // by entry
  std::vector<NodeRef> rebuilt_;    // by node
  std::vector<char> needed_;        // entries that are read outside of their group
};

}  // namespace

std::vector<Entry> fuse_pointwise(const IndexedGraph& graph, const std::vector<Entry>& heads,
                                  const std::vector<Shape>& shapes,
                                  const std::vector<DType>& dtypes) {
  GEMEL_ASSERT(heads.size() == graph.heads().size());
  return Fusion(graph, shapes, dtypes).run();
}

}  // namespace gemel
