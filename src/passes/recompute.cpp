#include "passes/recompute.h"

#include <algorithm>

#include "op/op_info.h"
#include "passes/pure.h"

namespace gemel {
namespace {

constexpr int most_nodes = 16;  // computed again for one value by cheap rules

Entry key(const Entry& entry) { return {entry.node, entry.index, 0}; }

class CheapChoice {
 public:
  CheapChoice(const std::vector<SavedValue>& saved, const RecomputeOptions& options,
              RecomputeRules& rules)
      : options_(options), rules_(rules) {
    for (const SavedValue& value : saved) {
      kept_.insert(key(value.value));
      all_.push_back(key(value.value));
    }
  }

  KeptValues choose() {
    std::unordered_map<const Node*, int> place;
    for (const Node* node : topological_order(all_))
      place.emplace(node, static_cast<int>(place.size()));
    std::stable_sort(all_.begin(), all_.end(), [&](const Entry& a, const Entry& b) {
      return place.at(a.node.get()) < place.at(b.node.get());
    });
    // What cannot be computed again is kept whatever is decided of the others.
    std::unordered_set<Entry> undecided;
    for (const Entry& value : all_)
      if (!options_.kept_anyway(value) && options_.bytes(value) >= options_.least_bytes &&
          rules_.cheap(value))
        undecided.insert(value);
    for (const Entry& value : all_) {
      if (!undecided.contains(value)) continue;
      kept_.erase(value);
      std::unordered_set<Entry> fresh;
      int nodes = 0;
      if (leads_to_kept(value, fresh, nodes) && cost(fresh) < options_.bytes(value)) {
        kept_.insert(fresh.begin(), fresh.end());
        again_.insert(value);
      } else {
        kept_.insert(value);
      }
    }
    return std::move(kept_);
  }

 private:
  bool leads_to_kept(const Entry& value, std::unordered_set<Entry>& fresh, int& nodes) {
    if (++nodes > most_nodes) return false;
    for (const Entry& input : rules_.cheap(value).node->inputs) {
      if (input.node->is_variable()) {
        if (input.node->mutations > 0) return false;
        continue;
      }
      const Entry in = key(input);
      if (kept_.contains(in) || fresh.contains(in)) continue;
      if (again_.contains(in)) return false;
      if (rules_.cheap(in) && options_.bytes(in) >= options_.least_bytes) {
        if (!leads_to_kept(in, fresh, nodes)) return false;
      } else {
        fresh.insert(in);
      }
    }
    return true;
  }

  int64_t cost(const std::unordered_set<Entry>& fresh) const {
    int64_t bytes = 0;
    for (const Entry& leaf : fresh) bytes += options_.bytes(leaf);
    return bytes;
  }

  const RecomputeOptions& options_;
  RecomputeRules& rules_;
  std::vector<Entry> all_;
  KeptValues kept_;
  std::unordered_set<Entry> again_;  // saved values that are computed again
};

class Rewriting {
 public:
  Rewriting(const std::vector<SavedValue>& saved, const KeptValues& keep, const Recomputation& how)
      : how_(how) {
    for (const SavedValue& value : saved)
      if (keep.contains(key(value.value)) || !how.rule(value.value))
        kept_.emplace(key(value.value), value.placeholder);
    for (const Entry& value : keep)
      if (!kept_.contains(value)) allowed_.insert(value);
  }

  void apply(std::vector<SavedValue>& saved, std::vector<Entry>& backward_heads) {
    std::unordered_map<const Node*, Entry> value_of;
    for (const SavedValue& value : saved)
      if (!kept_.contains(key(value.value))) value_of.emplace(value.placeholder.get(), value.value);
    if (value_of.empty()) return;
    const auto replace = [&](Entry& entry) {
      if (const auto found = value_of.find(entry.node.get()); found != value_of.end())
        entry = made(key(found->second));
    };
    for (Node* node : topological_order(backward_heads))
      for (Entry& input : node->inputs) replace(input);
    for (Entry& head : backward_heads) replace(head);
    std::erase_if(saved, [&](const SavedValue& v) { return !kept_.contains(key(v.value)); });
    saved.insert(saved.end(), fresh_.begin(), fresh_.end());
  }

 private:
  // The value in terms of the backward graph where that is decided already; else empty.
  Entry known(const Entry& value) {
    if (value.node->is_variable()) return value;
    if (const auto found = kept_.find(value); found != kept_.end()) return {found->second, 0, 0};
    if (const auto found = made_.find(value); found != made_.end()) return found->second;
    if (!allowed_.contains(value) && how_.rule(value)) return {};
    const NodeRef placeholder =
        make_variable(value.node->name + "_saved" + std::to_string(value.index));
    kept_.emplace(value, placeholder);
    fresh_.push_back({value, placeholder});
    return {placeholder, 0, 0};
  }

  // Without recursion: chains may be as long as the graph is deep.
  Entry made(const Entry& value) {
    std::vector<Entry> stack{value};
    while (!stack.empty()) {
      const Entry at = stack.back();
      if (known(at)) {
        stack.pop_back();
        continue;
      }
      const Entry rule = how_.rule(at);
      const size_t depth = stack.size();
      for (const Entry& input : rule.node->inputs)
        if (!known(key(input))) stack.push_back(key(input));
      if (stack.size() > depth) continue;
      NodeRef& node = node_of_[rule.node.get()];
      if (!node) {
        node = std::make_shared<Node>(*rule.node);
        node->name = at.node->name + "_again";
        for (Entry& input : node->inputs) input = known(key(input));
        if (const auto found = how_.after.find(at.node.get()); found != how_.after.end())
          node->control.push_back(found->second);
      }
      made_[at] = {node, rule.index, 0};
    }
    return known(value);
  }

  const Recomputation& how_;
  std::unordered_map<Entry, NodeRef> kept_;  // placeholders
  KeptValues allowed_;                       // may be kept, if something is computed from them
  std::vector<SavedValue> fresh_;
  std::unordered_map<Entry, Entry> made_;
  std::unordered_map<const Node*, NodeRef> node_of_;
};

}  // namespace

Entry RecomputeRules::cheap(const Entry& value) {
  if (value.node->is_variable()) return {};
  auto [found, first] = cheap_.try_emplace(key(value));
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
  return cheap_[key(value)] = result;
}

Entry RecomputeRules::any(const Entry& value) {
  if (value.node->is_variable()) return {};
  auto [found, first] = any_.try_emplace(key(value));
  if (!first) return found->second;
  Entry result = cheap(value);
  if (!result && passes::is_pure(*value.node)) result = key(value);
  if (result)
    for (const Entry& input : result.node->inputs)
      if (input.node->is_variable() && input.node->mutations > 0) result = {};
  return any_[key(value)] = result;
}

KeptValues keep_beside_cheap(const std::vector<SavedValue>& saved, const RecomputeOptions& options,
                             RecomputeRules& rules) {
  return CheapChoice(saved, options, rules).choose();
}

void compute_again(std::vector<SavedValue>& saved, std::vector<Entry>& backward_heads,
                   const KeptValues& keep, const Recomputation& how) {
  Rewriting(saved, keep, how).apply(saved, backward_heads);
}

}  // namespace gemel
