#include "passes/recompute.h"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "op/op_info.h"
#include "passes/pure.h"

namespace gemel {
namespace {

constexpr int most_nodes = 16;  // computed again for one value

Entry key(const Entry& entry) { return {entry.node, entry.index, 0}; }

class Recompute {
 public:
  Recompute(std::vector<SavedValue>& saved, const RecomputeOptions& options)
      : saved_(saved), options_(options) {
    for (const SavedValue& value : saved) kept_.emplace(key(value.value), value.placeholder);
  }

  void choose() {
    std::vector<Entry> all;
    for (const SavedValue& value : saved_) all.push_back(value.value);
    std::unordered_map<const Node*, int> place;
    for (const Node* node : topological_order(all))
      place.emplace(node, static_cast<int>(place.size()));
    std::stable_sort(all.begin(), all.end(), [&](const Entry& a, const Entry& b) {
      return place.at(a.node.get()) < place.at(b.node.get());
    });
    // What cannot be computed again is kept whatever is decided of the others.
    std::unordered_set<Entry> undecided;
    for (const Entry& value : all)
      if (!options_.kept_anyway(value) && options_.bytes(value) >= options_.least_bytes &&
          again(value))
        undecided.insert(key(value));
    for (const Entry& value : all) {
      if (!undecided.contains(key(value))) continue;
      const NodeRef placeholder = kept_.at(key(value));
      kept_.erase(key(value));
      std::unordered_set<Entry> fresh;
      int nodes = 0;
      if (leads_to_kept(value, fresh, nodes) && cost(fresh) < options_.bytes(value)) {
        for (const Entry& leaf : fresh)
          kept_.emplace(leaf,
                        make_variable(leaf.node->name + "_saved" + std::to_string(leaf.index)));
        again_.insert(key(value));
      } else {
        kept_.emplace(key(value), placeholder);
      }
    }
  }

  // Rewrites the readers of what is computed again.
  void apply(std::vector<Entry>& backward_heads) {
    if (again_.empty()) return;
    std::unordered_map<const Node*, Entry> value_of;
    for (const SavedValue& value : saved_)
      if (again_.contains(key(value.value))) value_of.emplace(value.placeholder.get(), value.value);
    const auto replace = [&](Entry& entry) {
      if (const auto found = value_of.find(entry.node.get()); found != value_of.end())
        entry = made(found->second);
    };
    for (Node* node : topological_order(backward_heads))
      for (Entry& input : node->inputs) replace(input);
    for (Entry& head : backward_heads) replace(head);
    std::vector<SavedValue> left;
    std::unordered_set<Entry> listed;
    for (const SavedValue& value : saved_) {
      if (!kept_.contains(key(value.value))) continue;
      left.push_back(value);
      listed.insert(key(value.value));
    }
    for (const Entry& leaf : fresh_)
      if (kept_.contains(leaf) && listed.insert(leaf).second)
        left.push_back({leaf, kept_.at(leaf)});
    saved_ = std::move(left);
  }

 private:
  // The node that gives the value again, from values of the forward graph; empty: none.
  Entry again(const Entry& value) {
    if (value.node->is_variable()) return {};
    auto [found, first] = rule_.try_emplace(key(value));
    if (!first) return found->second;
    const auto& info = static_cast<const OpInfo&>(*value.node->op);
    Entry result;
    if (info.recompute_rule) {
      std::vector<Entry> all = info.recompute_rule(
          GradientContext{*value.node, value.node, std::vector<Entry>(value.node->output_count())});
      if (static_cast<size_t>(value.index) < all.size())
        result = all[static_cast<size_t>(value.index)];
    } else if (info.pointwise || !info.aliases_input.empty()) {
      result = key(value);
    }
    if (result && !passes::is_pure(*result.node)) result = {};
    return rule_[key(value)] = result;
  }

  bool leads_to_kept(const Entry& value, std::unordered_set<Entry>& fresh, int& nodes) {
    if (++nodes > most_nodes) return false;
    for (const Entry& input : again(value).node->inputs) {
      if (input.node->is_variable()) {
        if (input.node->mutations > 0) return false;
        continue;
      }
      const Entry in = key(input);
      if (kept_.contains(in) || fresh.contains(in)) continue;
      if (again_.contains(in)) return false;
      if (again(in) && options_.bytes(in) >= options_.least_bytes) {
        if (!leads_to_kept(in, fresh, nodes)) return false;
      } else {
        fresh.insert(in);
        fresh_.push_back(in);
      }
    }
    return true;
  }

  int64_t cost(const std::unordered_set<Entry>& fresh) const {
    int64_t bytes = 0;
    for (const Entry& leaf : fresh) bytes += options_.bytes(leaf);
    return bytes;
  }

  // In terms of the backward graph.
  Entry made(const Entry& value) {
    const Entry k = key(value);
    if (value.node->is_variable()) return value;
    if (const auto kept = kept_.find(k); kept != kept_.end()) return {kept->second, 0, 0};
    auto [found, first] = made_.try_emplace(k);
    if (!first) return found->second;
    const Entry rule = again(k);
    auto node = std::make_shared<Node>(*rule.node);
    node->name = value.node->name + "_again";
    for (Entry& input : node->inputs) input = made(input);
    return made_[k] = {node, rule.index, 0};
  }

  std::vector<SavedValue>& saved_;
  const RecomputeOptions& options_;
  std::unordered_map<Entry, NodeRef> kept_;  // placeholders
  std::unordered_set<Entry> again_;          // saved values that are computed again
  std::vector<Entry> fresh_;                 // candidates to be kept that were not before, in order
  std::unordered_map<Entry, Entry> rule_, made_;
};

}  // namespace

void recompute_cheap(std::vector<SavedValue>& saved, std::vector<Entry>& backward_heads,
                     const RecomputeOptions& options) {
  Recompute recompute(saved, options);
  recompute.choose();
  recompute.apply(backward_heads);
}

}  // namespace gemel
