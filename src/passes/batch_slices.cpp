#include "passes/batch_slices.h"

#include <algorithm>
#include <optional>
#include <unordered_map>

#include "op/registry.h"
#include "passes/lifetime.h"
#include "passes/memory_step.h"
#include "passes/with_inputs.h"

namespace gemel {
namespace {

constexpr int longest_chain = 24, most_chains = 8;

// The steps [first, last] of the graph in `slices` slices; `result` is the only entry that later
// steps read.
struct Chain {
  int first, last, result;
  int64_t slices;
  int64_t bytes;  // that live at most while it runs
};

class Slicing {
 public:
  Slicing(const IndexedGraph& graph, const std::vector<Entry>& heads,
          const std::vector<Shape>& shapes, const std::vector<DType>& dtypes,
          const BatchSliceOptions& options)
      : graph_(graph), heads_(heads), shapes_(shapes), options_(options) {
    last_use_.assign(static_cast<size_t>(graph.entry_count()), -1);
    step_of_.assign(static_cast<size_t>(graph.node_count()), -1);
    MemoryProblem problem;
    for (size_t e = 0; e < shapes.size(); ++e)
      problem.values.push_back({shapes[e].size() * size_of(dtypes[e])});
    for (const int n : graph.variables())
      problem.values[static_cast<size_t>(graph.first_entry(n))].external = true;
    for (const int head : graph.heads()) problem.values[static_cast<size_t>(head)].external = true;
    for (int n = 0; n < graph.node_count(); ++n) {
      const Node& node = *graph.node(n);
      if (node.is_variable()) continue;
      const int step = static_cast<int>(nodes_.size());
      step_of_[static_cast<size_t>(n)] = step;
      nodes_.push_back(n);
      const auto in = graph.inputs(n);
      for (const int e : in) last_use_[static_cast<size_t>(e)] = step;
      std::vector<int> out;
      for (int i = 0; i < graph.output_count(n); ++i) out.push_back(graph.first_entry(n) + i);
      const auto& info = static_cast<const OpInfo&>(*node.op);
      for (const auto& [from, to] : info.aliases_input)
        if (!problem.values[static_cast<size_t>(out[static_cast<size_t>(to)])].external)
          problem.values[static_cast<size_t>(out[static_cast<size_t>(to)])].alias_of =
              in[static_cast<size_t>(from)];
      problem.steps.push_back(
          passes::memory_step(node, {in.begin(), in.end()}, out, shapes, dtypes));
    }
    for (const int head : graph.heads()) last_use_[static_cast<size_t>(head)] = end();
    blocks_ = passes::blocks_of(problem, passes::roots_of(problem), true);
    live_.assign(nodes_.size(), 0);
    for (const passes::Block& block : blocks_.blocks)
      for (int s = block.begin; s <= block.end; ++s) live_[static_cast<size_t>(s)] += block.bytes;
    for (const int n : nodes_) cut_inputs_.push_back(inputs_to_cut(n));
  }

  std::vector<Entry> run() {
    while (static_cast<int>(chains_.size()) < most_chains && !nodes_.empty()) {
      const auto peak = std::max_element(live_.begin(), live_.end());
      const auto chain = best_chain(static_cast<int>(peak - live_.begin()), *peak);
      if (!chain) break;
      for (int s = chain->first; s <= chain->last; ++s) {
        live_[static_cast<size_t>(s)] = chain->bytes;
        cut_inputs_[static_cast<size_t>(s)].clear();
      }
      chains_.push_back(*chain);
    }
    return chains_.empty() ? heads_ : rebuilt();
  }

 private:
  int end() const { return static_cast<int>(nodes_.size()); }
  int64_t batch(int entry) const {
    const Shape& shape = shapes_[static_cast<size_t>(entry)];
    return shape.ndim() > 0 ? shape[0] : -1;
  }

  // Which inputs of a node are cut with its output; empty: it cannot run in slices.
  std::vector<int> inputs_to_cut(int n) const {
    const Node& node = *graph_.node(n);
    const auto& info = static_cast<const OpInfo&>(*node.op);
    const int out = graph_.first_entry(n);
    const auto inputs = graph_.inputs(n);
    if (batch(out) < 2 * options_.least_samples || !node.control.empty()) return {};
    for (int i = 1; i < graph_.output_count(n); ++i)
      if (last_use_[static_cast<size_t>(out + i)] >= 0) return {};
    std::vector<int> cut;
    if (info.pointwise) {
      const Shape& shape = shapes_[static_cast<size_t>(out)];
      for (size_t i = 0; i < inputs.size(); ++i) {
        const Shape& in = shapes_[static_cast<size_t>(inputs[i])];
        if (in == shape)
          cut.push_back(static_cast<int>(i));
        else if (in.ndim() >= shape.ndim() && in[0] != 1)
          return {};
      }
    } else if (info.per_sample) {
      cut = info.per_sample(*node.parameters);
      for (const int i : cut)
        if (batch(inputs[static_cast<size_t>(i)]) != batch(out)) return {};
    }
    return cut;
  }

  std::optional<Chain> best_chain(int peak, int64_t bytes) const {
    if (bytes < options_.least_bytes) return std::nullopt;
    const auto goal = static_cast<int64_t>(static_cast<double>(bytes) * (1 - options_.least_gain));
    std::optional<Chain> best;
    int64_t best_bytes = goal + 1, best_work = 0;
    std::vector<int64_t> before(live_), after(live_);  // most bytes up to a step, from a step on
    for (size_t s = 1; s < live_.size(); ++s) {
      before[s] = std::max(before[s], before[s - 1]);
      const size_t back = live_.size() - 1 - s;
      after[back] = std::max(after[back], after[back + 1]);
    }
    std::vector<int> near;  // blocks that a chain may touch
    for (size_t b = 0; b < blocks_.blocks.size(); ++b)
      if (blocks_.blocks[b].bytes > 0 && blocks_.blocks[b].end > peak - longest_chain &&
          blocks_.blocks[b].begin < peak + longest_chain)
        near.push_back(static_cast<int>(b));
    for (int first = peak; first >= 0 && first > peak - longest_chain; --first) {
      if (!sliceable(first, peak)) break;
      for (int last = peak; last < end() && last < peak + longest_chain; ++last) {
        if (!sliceable(last, peak)) break;
        std::optional<Chain> chain = chain_of(first, last);
        if (!chain) continue;
        const int64_t elsewhere =
            std::max(first > 0 ? before[static_cast<size_t>(first) - 1] : 0,
                     last + 1 < end() ? after[static_cast<size_t>(last) + 1] : 0);
        fit(*chain, elsewhere, near);
        // Nothing is won below what is wanted: the less runs in slices, the better.
        const int64_t whole = std::max({elsewhere, chain->bytes, options_.least_bytes});
        const int64_t work = chain->slices * (last - first + 1);
        if (whole < best_bytes || (best && whole == best_bytes && work < best_work)) {
          best = chain;
          best_bytes = whole;
          best_work = work;
        }
      }
    }
    return best;
  }

  bool sliceable(int step, int like) const {
    const auto out = [&](int s) { return graph_.first_entry(nodes_[static_cast<size_t>(s)]); };
    return !cut_inputs_[static_cast<size_t>(step)].empty() && batch(out(step)) == batch(out(like));
  }

  // The chain with its result; none when several of its entries are read later, or when it cuts an
  // input that it also reads whole.
  std::optional<Chain> chain_of(int first, int last) const {
    Chain chain{first, last, -1, 1, 0};
    for (int s = first; s <= last; ++s) {
      const int n = nodes_[static_cast<size_t>(s)], out = graph_.first_entry(n);
      if (last_use_[static_cast<size_t>(out)] > last) {
        if (chain.result >= 0) return std::nullopt;
        chain.result = out;
      }
      const auto inputs = graph_.inputs(n);
      for (int i = 0; i < static_cast<int>(inputs.size()); ++i) {
        const auto& cut = cut_inputs_[static_cast<size_t>(s)];
        const bool is_cut = std::find(cut.begin(), cut.end(), i) != cut.end();
        if (!is_cut &&
            step_of_[static_cast<size_t>(graph_.producer(inputs[static_cast<size_t>(i)]))] >= first)
          return std::nullopt;
      }
    }
    return chain.result < 0 ? std::nullopt : std::optional(chain);
  }

  // As few slices as bring the chain down to what lives elsewhere.
  void fit(Chain& chain, int64_t elsewhere, const std::vector<int>& blocks) const {
    std::vector<int64_t> inside(static_cast<size_t>(chain.last - chain.first) + 1, 0);
    const int result_block = blocks_.block_of[static_cast<size_t>(chain.result)];
    int64_t whole = 0;
    for (const int b : blocks) {
      const passes::Block& block = blocks_.blocks[static_cast<size_t>(b)];
      if (block.end < chain.first || block.begin > chain.last) continue;
      const bool is_result = b == result_block;
      if (block.begin < chain.first || block.end > chain.last || is_result) whole += block.bytes;
      if (block.begin < chain.first) continue;
      // What the result is written over is apart in the slices.
      const int result = result_step(chain);
      const int until = is_result || block.end > chain.last ? result : block.end;
      if (is_result && block.begin == result) continue;
      for (int s = block.begin; s <= std::min(until, chain.last); ++s)
        inside[static_cast<size_t>(s - chain.first)] += block.bytes;
    }
    const int64_t most = *std::max_element(inside.begin(), inside.end());
    const int64_t samples = batch(chain.result);
    const int64_t limit = std::min(samples / options_.least_samples,
                                   std::max<int64_t>(1, most / options_.least_slice));
    const int64_t wanted = std::max(elsewhere, options_.least_bytes);
    chain.slices = 1;
    while (chain.slices * 2 <= limit && whole + most / chain.slices > wanted) chain.slices *= 2;
    chain.bytes = whole + most / chain.slices;
    if (chain.slices == 1) chain.bytes = INT64_MAX;
  }

  // The graph with the chains' nodes once for each slice.
  std::vector<Entry> rebuilt() {
    std::sort(chains_.begin(), chains_.end(),
              [](const Chain& a, const Chain& b) { return a.first < b.first; });
    std::unordered_map<Entry, Entry> replaced;
    std::unordered_map<const Node*, NodeRef> nodes;
    const auto map = [&](const Entry& entry) {
      if (const auto found = replaced.find({entry.node, entry.index, 0}); found != replaced.end())
        return found->second;
      const auto found = nodes.find(entry.node.get());
      return found == nodes.end() ? entry : Entry{found->second, entry.index, entry.version};
    };
    auto chain = chains_.begin();
    for (int s = 0; s < end(); ++s) {
      if (chain != chains_.end() && chain->first == s) {
        replaced[{node_of(result_step(*chain)), 0, 0}] = in_slices(*chain, map);
        s = chain->last;
        ++chain;
        continue;
      }
      Node* node = graph_.node(nodes_[static_cast<size_t>(s)]);
      std::vector<Entry> inputs;
      bool changed = passes::waits_for_changed(*node, map);
      for (const Entry& input : node->inputs) {
        inputs.push_back(map(input));
        changed = changed || inputs.back().node != input.node;
      }
      if (changed) nodes[node] = passes::with_inputs(*node, std::move(inputs), map);
    }
    std::vector<Entry> result;
    for (const Entry& head : heads_) result.push_back(map(head));
    return result;
  }

  template <typename Map>
  Entry in_slices(const Chain& chain, const Map& map) const {
    const int64_t samples = batch(chain.result);
    const OpInfo& slice_axis = require_op("slice_axis");
    std::vector<Entry> parts;
    for (int64_t k = 0; k < chain.slices; ++k) {
      const int64_t begin = samples * k / chain.slices, stop = samples * (k + 1) / chain.slices;
      const std::string suffix = "_slice" + std::to_string(k);
      std::unordered_map<Entry, Entry> cut;  // by entry of the graph
      for (int s = chain.first; s <= chain.last; ++s) {
        const Node& node = *graph_.node(nodes_[static_cast<size_t>(s)]);
        std::vector<Entry> inputs;
        for (const Entry& input : node.inputs) inputs.push_back(map(input));
        for (const int i : inputs_to_cut(nodes_[static_cast<size_t>(s)])) {
          const Entry& input = node.inputs[static_cast<size_t>(i)];
          Entry& part = cut[{input.node, input.index, 0}];
          if (!part)
            part = {
                make_node(slice_axis, input.node->name + suffix, {inputs[static_cast<size_t>(i)]},
                          {{"axis", "0"},
                           {"begin", std::to_string(begin)},
                           {"end", std::to_string(stop)}}),
                0, 0};
          inputs[static_cast<size_t>(i)] = part;
        }
        const NodeRef made = passes::with_inputs(node, std::move(inputs), map);
        made->name += suffix;
        cut[{node_of(s), 0, 0}] = {made, 0, 0};
      }
      parts.push_back(cut.at({node_of(result_step(chain)), 0, 0}));
    }
    const std::string count = std::to_string(parts.size());
    return {make_node(require_op("Concat"), graph_.node_of_entry(chain.result)->name + "_slices",
                      std::move(parts), {{"dim", "0"}, {"num_args", count}}),
            0, 0};
  }

  int result_step(const Chain& chain) const {
    return step_of_[static_cast<size_t>(graph_.producer(chain.result))];
  }
  NodeRef node_of(int step) const {
    return graph_.node(nodes_[static_cast<size_t>(step)])->shared_from_this();
  }

  const IndexedGraph& graph_;
  const std::vector<Entry>& heads_;
  const std::vector<Shape>& shapes_;
  const BatchSliceOptions& options_;
  std::vector<int> nodes_, step_of_;          // node of each step and back
  std::vector<int> last_use_;                 // of entries: a step, or end() for heads
  std::vector<std::vector<int>> cut_inputs_;  // by step; empty in chosen chains
  passes::Blocks blocks_;
  std::vector<int64_t> live_;  // by step
  std::vector<Chain> chains_;
};

}  // namespace

std::vector<Entry> slice_batch(const IndexedGraph& graph, const std::vector<Entry>& heads,
                               const std::vector<Shape>& shapes, const std::vector<DType>& dtypes,
                               const BatchSliceOptions& options) {
  int64_t all = 0;
  for (size_t e = 0; e < shapes.size(); ++e) all += shapes[e].size() * size_of(dtypes[e]);
  if (all < options.least_bytes) return heads;
  return Slicing(graph, heads, shapes, dtypes, options).run();
}

}  // namespace gemel
