#include "passes/layout.h"

#include <unordered_map>

#include "op/blocked_form.h"
#include "op/registry.h"
#include "passes/pure.h"
#include "passes/with_inputs.h"

namespace gemel {
namespace {

size_t at(int i) { return static_cast<size_t>(i); }

class Layouts {
 public:
  Layouts(const IndexedGraph& graph, const std::vector<Shape>& shapes,
          const std::vector<DType>& dtypes)
      : graph_(graph),
        shapes_(shapes),
        dtypes_(dtypes),
        role_(at(graph.node_count()), Role::plain),
        wanted_(at(graph.entry_count())),
        plain_(at(graph.entry_count())),
        blocked_(at(graph.entry_count())) {
    std::vector<char> possible(at(graph.entry_count()));
    for (int n = 0; n < graph.node_count(); ++n) {
      role_[at(n)] = role_of(n);
      if (!joins(n, [&](int entry) { return possible[at(entry)] != 0; }))
        role_[at(n)] = Role::plain;
      possible[at(graph.first_entry(n))] = role_[at(n)] != Role::plain;
    }
    for (int n = graph.node_count() - 1; n >= 0; --n) want_inputs(n);
  }

  std::vector<Entry> run(const std::vector<Entry>& heads) {
    for (int n = 0; n < graph_.node_count(); ++n)
      if (!graph_.node(n)->is_variable()) rebuild(n);
    std::vector<Entry> result;
    for (const Entry& head : heads) result.push_back(plain(graph_.entry_id(head), head.version));
    return result;
  }

 private:
  enum class Role {
    plain,    // no blocked form
    leads,    // works in blocks whatever its neighbours do
    gains,    // where its input is in blocks
    follows,  // where its input is, and its output is wanted so
  };

  static const BlockedForm* form_of(const Node& node) { return find_blocked_form(*node.op); }
  const Shape& out_shape(int n) const { return shapes_[at(graph_.first_entry(n))]; }

  BlockedNode describe(int n) const {
    BlockedNode result{*graph_.node(n), {}, out_shape(n), dtypes_[at(graph_.first_entry(n))]};
    for (int entry : graph_.inputs(n)) result.in.push_back(shapes_[at(entry)]);
    return result;
  }

  // Pointwise operators work on arrays of any shape: on blocks if their inputs are images of whole
  // blocks, or vectors of channels, which become blocks, or single numbers.
  bool works_on_blocks(int n) const {
    const Node& node = *graph_.node(n);
    const Shape& out = out_shape(n);
    if (graph_.output_count(n) != 1 || out.ndim() != 4 || out[1] % layout_block != 0 ||
        dtypes_[at(graph_.first_entry(n))] != DType::float32 || !passes::is_pure(node))
      return false;
    bool image = false;
    for (int entry : graph_.inputs(n)) {
      const Shape& in = shapes_[at(entry)];
      if (dtypes_[at(entry)] != DType::float32) return false;
      image = image || in == out;
      if (!(in == out || in.size() == 1 || in == Shape({1, out[1], 1, 1}))) return false;
    }
    return image;
  }

  Role role_of(int n) const {
    const Node& node = *graph_.node(n);
    if (node.is_variable() || !node.control.empty()) return Role::plain;
    const auto& info = static_cast<const OpInfo&>(*node.op);
    if (const BlockedForm* form = form_of(node)) {
      if (!form->exists(describe(n))) return Role::plain;
      return form->leads ? Role::leads : form->gains ? Role::gains : Role::follows;
    }
    return info.pointwise && works_on_blocks(n) ? Role::follows : Role::plain;
  }

  bool reads_blocked(int n, int input) const {
    const BlockedForm* form = form_of(*graph_.node(n));
    if (form && form->reads_blocked) return form->reads_blocked(describe(n), input);
    const Shape& in = shapes_[at(graph_.inputs(n)[at(input)])];
    return in.ndim() == 4 && in.size() > 1;
  }

  void want_inputs(int n) {
    const Role role = role_[at(n)];
    if (role == Role::plain || (role == Role::follows && !wanted_[at(graph_.first_entry(n))]))
      return;
    for (size_t i = 0; i < graph_.inputs(n).size(); ++i)
      if (reads_blocked(n, static_cast<int>(i))) ++wanted_[at(graph_.inputs(n)[i])];
  }

  // Whether a node that does not lead may run in blocks: all that it reads so is there so.
  template <typename InBlocks>
  bool joins(int n, InBlocks&& in_blocks) const {
    if (role_[at(n)] == Role::plain || role_[at(n)] == Role::leads) return true;
    for (size_t i = 0; i < graph_.inputs(n).size(); ++i) {
      const int entry = graph_.inputs(n)[i];
      const Shape& in = shapes_[at(entry)];
      const bool vector = in.ndim() == 4 && in[2] == 1 && in[3] == 1 && out_shape(n) != in;
      if (!vector && reads_blocked(n, static_cast<int>(i)) && !in_blocks(entry)) return false;
    }
    return true;
  }

  // Whether the node runs in blocks, now that its inputs are rebuilt.
  bool runs_in_blocks(int n) const {
    const Role role = role_[at(n)];
    if (role == Role::plain || role == Role::leads) return role == Role::leads;
    if (role == Role::follows && !wanted_[at(graph_.first_entry(n))]) return false;
    return joins(n, [&](int entry) { return static_cast<bool>(blocked_[at(entry)]); });
  }

  Entry reorder(std::string_view op, int entry, const Entry& from) {
    const Attributes channels = {{"channels", std::to_string(shapes_[at(entry)][1])}};
    return {make_node(require_op(op), from.node->name + std::string(op), {from}, channels), 0, 0};
  }
  Entry plain(int entry, int version) {
    Entry& own = plain_[at(entry)];
    if (!own && blocked_[at(entry)]) own = reorder("_from_blocked", entry, blocked_[at(entry)]);
    if (own) return own;
    return {graph_.node_of_entry(entry)->shared_from_this(), graph_.output_index(entry), version};
  }
  Entry blocked(int entry, int version) {
    Entry& own = blocked_[at(entry)];
    if (!own) own = reorder("_to_blocked", entry, plain(entry, version));
    return own;
  }

  void rebuild(int n) {
    Node& node = *graph_.node(n);
    const auto input = [&](int i) { return graph_.inputs(n)[at(i)]; };
    const auto version = [&](int i) { return node.inputs[at(i)].version; };
    const int first = graph_.first_entry(n);
    if (runs_in_blocks(n)) {
      const BlockedForm* form = form_of(node);
      const bool in_blocks = role_[at(n)] != Role::leads || wanted_[at(first)] > 0;
      Entry made;
      if (form) {
        BlockedContext context{
            describe(n), [&](int i) { return plain(input(i), version(i)); },
            [&](int i) { return blocked(input(i), version(i)); },
            [&](int i) { return blocked_[at(input(i))] || wanted_[at(input(i))] > 1; }, in_blocks};
        made = form->make(context);
      } else {
        std::vector<Entry> inputs;
        for (int i = 0; i < static_cast<int>(node.inputs.size()); ++i)
          inputs.push_back(reads_blocked(n, i) ? blocked(input(i), version(i))
                                               : plain(input(i), version(i)));
        made = {passes::with_inputs(node, std::move(inputs), [](const Entry& e) { return e; })};
      }
      (in_blocks ? blocked_ : plain_)[at(first)] = std::move(made);
      return;
    }
    std::vector<Entry> inputs;
    bool changed = false;
    for (int i = 0; i < static_cast<int>(node.inputs.size()); ++i) {
      inputs.push_back(plain(input(i), version(i)));
      changed = changed || !(inputs.back() == node.inputs[at(i)]);
    }
    if (!changed) return;
    const auto after = [&](const Entry& e) {
      return graph_.contains(e.node.get()) ? plain(graph_.entry_id(e), e.version) : e;
    };
    const NodeRef other = passes::with_inputs(node, std::move(inputs), after);
    for (int i = 0; i < graph_.output_count(n); ++i) plain_[at(first + i)] = {other, i, 0};
  }

  const IndexedGraph& graph_;
  const std::vector<Shape>& shapes_;
  const std::vector<DType>& dtypes_;
  std::vector<Role> role_;
  std::vector<int> wanted_;             // readers that want it in blocks
  std::vector<Entry> plain_, blocked_;  // what stands for an entry; empty: nothing yet, the entry
};

}  // namespace

std::vector<Entry> choose_layouts(const IndexedGraph& graph, const std::vector<Entry>& heads,
                                  const std::vector<Shape>& shapes,
                                  const std::vector<DType>& dtypes) {
  return Layouts(graph, shapes, dtypes).run(heads);
}

}  // namespace gemel
