// Inference over a graph: rules are applied forward and backward until nothing more becomes known.
#pragma once
#include <vector>

#include "graph/indexed.h"
#include "graph/node_error.h"
#include "op/op_info.h"

namespace gemel::passes {

// `values` holds one value an entry. `apply(node, op, in, out)` fills what follows from what is
// known; `known(value)` tells when a value cannot change any more. Errors get the node's name. A
// node is visited again only when something about it changed, so the cost is near linear.
template <typename T, typename Apply, typename Known>
void run_to_fixpoint(const IndexedGraph& graph, std::vector<T>& values, Apply apply, Known known) {
  const int nodes = graph.node_count();
  // Users of each entry, as ranges of one list.
  std::vector<int> first(static_cast<size_t>(graph.entry_count()) + 1, 0), users;
  for (int n = 0; n < nodes; ++n)
    for (int entry : graph.inputs(n)) ++first[static_cast<size_t>(entry) + 1];
  for (size_t i = 1; i < first.size(); ++i) first[i] += first[i - 1];
  users.resize(static_cast<size_t>(first.back()));
  {
    std::vector<int> next(first.begin(), first.end() - 1);
    for (int n = 0; n < nodes; ++n)
      for (int entry : graph.inputs(n))
        users[static_cast<size_t>(next[static_cast<size_t>(entry)]++)] = n;
  }

  std::vector<char> waiting(static_cast<size_t>(nodes), 1);
  bool left = false;
  std::vector<T> in, out;
  const auto changed = [&](int entry, const T& value) {
    values[static_cast<size_t>(entry)] = value;
    waiting[static_cast<size_t>(graph.producer(entry))] = 1;
    for (int i = first[static_cast<size_t>(entry)]; i < first[static_cast<size_t>(entry) + 1]; ++i)
      waiting[static_cast<size_t>(users[static_cast<size_t>(i)])] = 1;
    left = true;
  };
  const auto visit = [&](int n) {
    if (!waiting[static_cast<size_t>(n)]) return;
    waiting[static_cast<size_t>(n)] = 0;
    const Node& node = *graph.node(n);
    if (node.is_variable()) return;
    const auto inputs = graph.inputs(n);
    const int output = graph.first_entry(n), outputs = graph.output_count(n);
    in.clear();
    out.assign(values.begin() + output, values.begin() + output + outputs);
    for (int entry : inputs) in.push_back(values[static_cast<size_t>(entry)]);
    const auto& op = static_cast<const OpInfo&>(*node.op);
    try {
      apply(node, op, in, out);
    } catch (const Error& error) {
      rethrow_with_node(error, op.name(), node.name);
    }
    bool any = false, all = true;
    for (size_t i = 0; i < inputs.size(); ++i) {
      all = all && known(in[i]);
      if (in[i] == values[static_cast<size_t>(inputs[i])]) continue;
      changed(inputs[i], in[i]);
      any = true;
    }
    for (int i = 0; i < outputs; ++i) {
      all = all && known(out[static_cast<size_t>(i)]);
      if (out[static_cast<size_t>(i)] == values[static_cast<size_t>(output + i)]) continue;
      changed(output + i, out[static_cast<size_t>(i)]);
      any = true;
    }
    // With everything known after its own changes there is nothing left to learn or to refuse. An
    // input that appears twice may have been given two values, so that node is looked at once more.
    if (any) waiting[static_cast<size_t>(n)] = !all || inputs.size() > 1;
  };
  do {
    left = false;
    for (int n = 0; n < nodes; ++n) visit(n);
    if (left)
      for (int n = nodes - 1; n >= 0; --n) visit(n);
  } while (left);
}

}  // namespace gemel::passes
