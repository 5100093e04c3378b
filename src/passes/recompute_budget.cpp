#include "passes/recompute_budget.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace gemel {
namespace {

constexpr int64_t least_bytes = 64 << 10;  // of a value that is worth a decision

// Values that cross from one node of the forward graph to later ones.
struct Cut {
  int node;
  std::vector<int> values;
};

// Places where few values cross, which part the graph into segments.
std::vector<Cut> cuts_of(const IndexedGraph& graph) {
  std::vector<int> last_reader(static_cast<size_t>(graph.entry_count()), -1);
  for (int n = 0; n < graph.node_count(); ++n)
    for (const int entry : graph.inputs(n))
      if (!graph.node_of_entry(entry)->is_variable()) last_reader[static_cast<size_t>(entry)] = n;
  constexpr size_t most_values = 4, enough_cuts = 4;
  std::vector<Cut> cuts;
  std::vector<int> live;
  for (int n = 0; n < graph.node_count(); ++n) {
    if (graph.node(n)->is_variable()) continue;
    std::erase_if(live, [&](int e) { return last_reader[static_cast<size_t>(e)] <= n; });
    for (int i = 0; i < graph.output_count(n); ++i)
      if (last_reader[static_cast<size_t>(graph.first_entry(n) + i)] > n)
        live.push_back(graph.first_entry(n) + i);
    if (!live.empty() && live.size() <= most_values) cuts.push_back({n, live});
  }
  for (size_t count = 1; count <= most_values; ++count) {
    const auto few = [&](const Cut& cut) { return cut.values.size() <= count; };
    if (std::count_if(cuts.begin(), cuts.end(), few) < static_cast<std::ptrdiff_t>(enough_cuts) &&
        count < most_values)
      continue;
    std::erase_if(cuts, [&](const Cut& cut) { return !few(cut); });
    break;
  }
  return cuts;
}

class Search {
 public:
  Search(const TrainingModel& model, const std::vector<char>& kept, const RecomputeBudget& budget)
      : model_(model), start_(kept), budget_(budget) {
    for (int v = 0; v < static_cast<int>(kept.size()); ++v)
      if (kept[static_cast<size_t>(v)] && model.has_rule(v) && model.bytes(v) >= least_bytes) {
        candidates_.push_back(v);
        candidate_bytes_ += model.bytes(v);
      }
    // Those whose bytes save most work first; of equal ones, early values have bytes for longer.
    std::reverse(candidates_.begin(), candidates_.end());
    std::stable_sort(candidates_.begin(), candidates_.end(), [&](int a, int b) {
      return model.work(a) / static_cast<double>(model.bytes(a)) >
             model.work(b) / static_cast<double>(model.bytes(b));
    });
    // The more nodes, the fewer trials.
    trials_ = std::clamp(200'000 / std::max(1, model.backward().node_count()), 24, 400);
  }

  std::vector<char> run() {
    start_work_ = model_.evaluate(start_).work;
    consider(start_);
    if (best_.bytes <= budget_.bytes) return best_kept_;
    const std::vector<Cut> cuts = cuts_of(model_.forward());
    const int steps = std::min(12, trials_ / 8);
    for (int step = 0; step <= steps && trials_ > 0; ++step) {
      const std::vector<char> segments = by_segments(cuts, std::ldexp(candidate_bytes_, -step));
      consider(segments);
      widen(segments);
    }
    refine();
    return best_kept_;
  }

 private:
  // One value of each segment is kept, where so many bytes have come together.
  std::vector<char> by_segments(const std::vector<Cut>& cuts, double bytes) const {
    std::vector<char> kept = start_;
    std::vector<int64_t> at(static_cast<size_t>(model_.forward().node_count()), 0);
    for (const int v : candidates_) {
      kept[static_cast<size_t>(v)] = 0;
      at[static_cast<size_t>(model_.forward().producer(v))] += model_.bytes(v);
    }
    size_t next = 0;
    int64_t segment = 0;
    for (int n = 0; n < model_.forward().node_count() && next < cuts.size(); ++n) {
      segment += at[static_cast<size_t>(n)];
      if (cuts[next].node != n) continue;
      if (static_cast<double>(segment) >= bytes) {
        for (const int v : cuts[next].values) kept[static_cast<size_t>(v)] = 1;
        segment = 0;
      }
      ++next;
    }
    return kept;
  }

  std::vector<char> with_first(std::vector<char> kept, size_t count) const {
    for (size_t i = 0; i < count; ++i) kept[static_cast<size_t>(candidates_[i])] = 1;
    return kept;
  }

  // Keeps as many candidates more as still fit.
  void widen(const std::vector<char>& segments) {
    size_t fits = 0, fails = candidates_.size() + 1;
    while (fails - fits > 1 && trials_ > 0) {
      const size_t middle = fits + (fails - fits) / 2;
      (consider(with_first(segments, middle)) ? fits : fails) = middle;
    }
  }

  // One candidate after the other, as trials are left.
  void refine() {
    if (best_.bytes > budget_.bytes) return;
    for (const int v : candidates_) {
      if (trials_ <= 0) return;
      if (best_kept_[static_cast<size_t>(v)]) continue;
      std::vector<char> kept = best_kept_;
      kept[static_cast<size_t>(v)] = 1;
      consider(std::move(kept));
    }
  }

  bool limits_work() const { return budget_.most_work >= 0; }
  bool cheap_enough(const TrainingModel::Outcome& outcome) const {
    return outcome.work - start_work_ <= budget_.most_work * model_.forward_work();
  }

  // Whether to try and keep more.
  bool consider(std::vector<char> kept) {
    --trials_;
    TrainingModel::Outcome outcome = model_.evaluate(kept);
    const bool more = limits_work() ? !cheap_enough(outcome) : outcome.bytes <= budget_.bytes;
    if (best_kept_.empty() || better(outcome)) {
      best_ = std::move(outcome);
      best_kept_ = std::move(kept);
    }
    return more;
  }

  bool better(const TrainingModel::Outcome& outcome) const {
    if (limits_work() && !cheap_enough(outcome)) return false;
    const bool fits = outcome.bytes <= budget_.bytes;
    if (fits != (best_.bytes <= budget_.bytes)) return fits;
    const std::pair<double, double> bytes_first(outcome.bytes, outcome.work),
        best_bytes_first(best_.bytes, best_.work);
    return fits ? std::pair(outcome.work, outcome.bytes) < std::pair(best_.work, best_.bytes)
                : bytes_first < best_bytes_first;
  }

  const TrainingModel& model_;
  std::vector<char> start_;
  RecomputeBudget budget_;
  std::vector<int> candidates_;
  double candidate_bytes_ = 0, start_work_ = 0;
  int trials_ = 0;
  TrainingModel::Outcome best_;
  std::vector<char> best_kept_;
};

}  // namespace

std::vector<char> keep_within(const TrainingModel& model, const std::vector<char>& kept,
                              const RecomputeBudget& budget) {
  return Search(model, kept, budget).run();
}

}  // namespace gemel
