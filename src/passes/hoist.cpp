#include "passes/hoist.h"

#include <algorithm>
#include <unordered_map>

#include "passes/pure.h"
#include "passes/with_inputs.h"

namespace gemel {
namespace {

// A prepared weight may be a few times larger than the weight; more is a broadcast.
constexpr int64_t largest_growth = 8;
constexpr int64_t always_small = 64 << 10;

class Hoisting {
 public:
  Hoisting(const IndexedGraph& graph, const std::vector<Shape>& shapes,
           const std::vector<DType>& dtypes, const passes::ParameterSet& parameters)
      : graph_(graph), shapes_(shapes), dtypes_(dtypes) {
    const size_t count = static_cast<size_t>(graph.node_count());
    steady_ = steady_nodes(graph, parameters);
    bound_.assign(count, 0);
    computed_.assign(count, 0);
    for (int n = 0; n < graph.node_count(); ++n) {
      const Node& node = *graph.node(n);
      char& steady = steady_[at(n)];
      if (node.is_variable()) {
        bound_[at(n)] = steady;
        continue;
      }
      for (int entry : graph.inputs(n)) {
        const int producer = graph.producer(entry);
        steady = steady && steady_[at(producer)];
        bound_[at(n)] |= bound_[at(producer)];
        computed_[at(n)] |= computed_[at(producer)];
      }
      steady = steady && !grows(n) && knows_shape(n);
      const bool view = !static_cast<const OpInfo&>(*node.op).aliases_input.empty();
      computed_[at(n)] = computed_[at(n)] || !view;
    }
  }

  HoistedGraph run(const std::vector<Entry>& heads) {
    for (int n = 0; n < graph_.node_count(); ++n)
      if (!steady_[at(n)]) rewrite(n);
    for (const Entry& head : heads) result_.heads.push_back(map(head));
    return std::move(result_);
  }

 private:
  static size_t at(int i) { return static_cast<size_t>(i); }
  int64_t bytes(int entry) const { return shapes_[at(entry)].size() * size_of(dtypes_[at(entry)]); }

  bool grows(int n) const {
    int64_t in = 0, out = 0;
    for (int entry : graph_.inputs(n)) in += bytes(entry);
    for (int e = graph_.first_entry(n); e < graph_.first_entry(n + 1); ++e) out += bytes(e);
    return out > std::max(always_small, largest_growth * in);
  }

  // Constants may have their shape from who reads them, such as the states that a network begins
  // with; apart from the readers it would be unknown.
  bool knows_shape(int n) const {
    if (!graph_.inputs(n).empty()) return true;
    const Node& node = *graph_.node(n);
    const auto& op = static_cast<const OpInfo&>(*node.op);
    std::vector<Shape> shapes(at(graph_.output_count(n)), Shape::unknown());
    ShapeContext context{op, *node.parameters, {}, shapes};
    op.shape_rule(context);
    return std::all_of(shapes.begin(), shapes.end(), [](const Shape& s) { return s.known(); });
  }

  // What the rest of the graph reads in place of an entry.
  Entry map(const Entry& entry) {
    const int n = graph_.index_of(entry.node.get());
    if (!steady_[at(n)]) {
      const auto found = replaced_.find(entry.node.get());
      return found == replaced_.end() ? entry : Entry{found->second, entry.index, entry.version};
    }
    if (entry.node->is_variable() || !bound_[at(n)] || !computed_[at(n)]) return entry;
    const Entry value{entry.node, entry.index, 0};
    NodeRef& place = places_[value];
    if (!place) {
      place = make_variable(entry.node->name + "_hoisted");
      result_.values.push_back(value);
      result_.places.push_back(place);
    }
    return {place, 0, 0};
  }

  void rewrite(int n) {
    const Node& node = *graph_.node(n);
    std::vector<Entry> inputs;
    bool changed = false;
    for (const Entry& input : node.inputs) {
      inputs.push_back(map(input));
      changed = changed || inputs.back().node != input.node;
    }
    if (changed)
      replaced_[&node] = passes::with_inputs(node, std::move(inputs),
                                             [&](const Entry& entry) { return map(entry); });
  }

  const IndexedGraph& graph_;
  const std::vector<Shape>& shapes_;
  const std::vector<DType>& dtypes_;
  std::vector<char> steady_;
  std::vector<char> bound_;     // depends on a parameter
  std::vector<char> computed_;  // more than a view of one
  std::unordered_map<const Node*, NodeRef> replaced_;
  std::unordered_map<Entry, NodeRef> places_;
  HoistedGraph result_;
};

}  // namespace

std::vector<char> steady_nodes(const IndexedGraph& graph, const passes::ParameterSet& parameters) {
  std::vector<char> steady(static_cast<size_t>(graph.node_count()));
  for (int n = 0; n < graph.node_count(); ++n) {
    const Node& node = *graph.node(n);
    char& own = steady[static_cast<size_t>(n)];
    if (node.is_variable()) {
      own = parameters.contains(&node);
      continue;
    }
    own = passes::is_pure(node) && !static_cast<const OpInfo&>(*node.op).shape_from_values;
    for (int entry : graph.inputs(n))
      own = own && steady[static_cast<size_t>(graph.producer(entry))];
  }
  return steady;
}

HoistedGraph hoist(const IndexedGraph& graph, const std::vector<Entry>& heads,
                   const std::vector<Shape>& shapes, const std::vector<DType>& dtypes,
                   const passes::ParameterSet& parameters) {
  return Hoisting(graph, shapes, dtypes, parameters).run(heads);
}

}  // namespace gemel
