#include "passes/fuse_groups.h"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

namespace gemel::passes {
namespace {

constexpr int most_primitives = 32;
constexpr size_t most_inputs = 16;
constexpr int longest_search = 512;

const OpInfo& info_of(const Node& node) { return static_cast<const OpInfo&>(*node.op); }

int count_primitives(const pointwise::Expr& e, std::unordered_set<const pointwise::Node*>& seen) {
  if (!seen.insert(e.node()).second) return 0;
  int count = e->kind == pointwise::Kind::apply;
  for (int i = 0; i < e->child_count; ++i) count += count_primitives(e->child[i], seen);
  return count;
}

}  // namespace

const pointwise::Definition* pointwise_definition(const Node& node) {
  if (node.is_variable()) return nullptr;
  return dynamic_cast<const pointwise::Definition*>(info_of(node).pointwise.get());
}

FusionGroups::FusionGroups(const IndexedGraph& graph, const std::vector<Shape>& shapes,
                           const std::vector<DType>& dtypes)
    : graph_(graph),
      shapes_(shapes),
      dtypes_(dtypes),
      written_(static_cast<size_t>(graph.entry_count()), 0),
      group_of_(static_cast<size_t>(graph.node_count()), -1) {
  for (int n = 0; n < graph.node_count(); ++n) {
    const Node& node = *graph.node(n);
    if (node.is_variable()) continue;
    const auto inputs = graph.inputs(n);
    for (int i : info_of(node).mutated_inputs(*node.parameters))
      if (i < static_cast<int>(inputs.size()))
        written_[static_cast<size_t>(inputs[static_cast<size_t>(i)])] = 1;
    const size_t auxiliary = static_cast<size_t>(node.op->auxiliary_count(*node.parameters));
    for (size_t i = inputs.size() - std::min(auxiliary, inputs.size()); i < inputs.size(); ++i)
      written_[static_cast<size_t>(inputs[i])] = 1;
  }
  for (int n = 0; n < graph.node_count(); ++n)
    if (is_candidate(n)) join(n);
}

bool FusionGroups::is_candidate(int n) const {
  const Node& node = *graph_.node(n);
  if (!pointwise_definition(node) || !node.control.empty() || node.inputs.empty()) return false;
  const size_t first = static_cast<size_t>(graph_.first_entry(n));
  const DType dtype = dtypes_[first];
  const Shape& shape = shapes_[first];
  if (dtype == DType::none || !shape.known()) return false;
  for (int i = 1; i < graph_.output_count(n); ++i)
    if (dtypes_[first + static_cast<size_t>(i)] != dtype ||
        !(shapes_[first + static_cast<size_t>(i)] == shape))
      return false;
  for (int entry : graph_.inputs(n))
    if (dtypes_[static_cast<size_t>(entry)] != dtype ||
        !shapes_[static_cast<size_t>(entry)].known() || written_[static_cast<size_t>(entry)])
      return false;
  return primitive_count(n) <= most_primitives;
}

int FusionGroups::primitive_count(int n) const {
  const Node& node = *graph_.node(n);
  std::unordered_set<const pointwise::Node*> seen;
  int count = 0;
  for (const pointwise::Expr& e : pointwise_definition(node)->value(*node.parameters))
    count += count_primitives(e, seen);
  return std::max(count, 1);
}

// The node joins the groups of its inputs, one after the other, as far as they fit together.
void FusionGroups::join(int n) {
  int own = static_cast<int>(groups_.size());
  groups_.push_back({{n}, primitive_count(n)});
  group_of_[static_cast<size_t>(n)] = own;
  for (int entry : graph_.inputs(n)) {
    const int other = group_of_[static_cast<size_t>(graph_.producer(entry))];
    if (other < 0 || other == own) continue;
    const size_t a = static_cast<size_t>(entry), b = static_cast<size_t>(graph_.first_entry(n));
    if (dtypes_[a] != dtypes_[b] || !(shapes_[a] == shapes_[b])) continue;
    Group &mine = groups_[static_cast<size_t>(own)], &theirs = groups_[static_cast<size_t>(other)];
    std::vector<int> merged;
    std::merge(mine.members.begin(), mine.members.end(), theirs.members.begin(),
               theirs.members.end(), std::back_inserter(merged));
    if (!may_join(merged, mine.primitives + theirs.primitives)) continue;
    for (int member : mine.members) group_of_[static_cast<size_t>(member)] = other;
    theirs.members = std::move(merged);
    theirs.primitives += mine.primitives;
    mine = {};
    own = other;
  }
}

bool FusionGroups::may_join(const std::vector<int>& members, int primitives) const {
  if (primitives > most_primitives) return false;
  std::unordered_set<int> inputs;
  size_t outputs = 0;
  for (int member : members) {
    outputs += static_cast<size_t>(graph_.output_count(member));
    for (int entry : graph_.inputs(member))
      if (!std::binary_search(members.begin(), members.end(), graph_.producer(entry)))
        inputs.insert(entry);
  }
  return inputs.size() <= most_inputs && outputs <= 2 * most_inputs && !makes_cycle(members);
}

// Whether a member depends on another one through nodes outside. Groups count as one node; a search
// that takes long is answered with yes.
bool FusionGroups::makes_cycle(const std::vector<int>& members) const {
  const auto inside = [&](int n) { return std::binary_search(members.begin(), members.end(), n); };
  std::vector<int> stack;
  std::unordered_set<int> seen;  // nodes, the first one of a group for all of it
  const auto visit = [&](int n) {
    const int group = group_of_[static_cast<size_t>(n)];
    const int last = group < 0 ? n : groups_[static_cast<size_t>(group)].members.back();
    if (last < members.front()) return;  // too early to depend on any of them
    if (seen.insert(group < 0 ? n : groups_[static_cast<size_t>(group)].members.front()).second)
      stack.push_back(n);
  };
  for (int member : members)
    for (int entry : graph_.inputs(member))
      if (!inside(graph_.producer(entry))) visit(graph_.producer(entry));
  while (!stack.empty()) {
    if (seen.size() > longest_search) return true;
    const int n = stack.back();
    stack.pop_back();
    const int group = group_of_[static_cast<size_t>(n)];
    const std::vector<int> alone{n};
    for (int unit : group < 0 ? alone : groups_[static_cast<size_t>(group)].members) {
      for (int entry : graph_.inputs(unit)) {
        if (inside(graph_.producer(entry))) return true;
        visit(graph_.producer(entry));
      }
      for (const NodeRef& other : graph_.node(unit)->control) {
        const int before = graph_.index_of(other.get());
        if (inside(before)) return true;
        visit(before);
      }
    }
  }
  return false;
}

}  // namespace gemel::passes
