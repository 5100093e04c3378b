#include "passes/placement.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <set>
#include <span>

namespace gemel::passes {
namespace {

constexpr size_t small_problem = 1024;

using Order = std::vector<int>;

// Blocks in the order of a step of theirs.
class ByStep {
 public:
  template <typename Step>
  ByStep(const std::vector<Block>& blocks, size_t steps, Step step) : first_(steps + 1, 0) {
    for (const Block& block : blocks)
      if (block.bytes) ++first_[static_cast<size_t>(step(block)) + 1];
    std::partial_sum(first_.begin(), first_.end(), first_.begin());
    list_.resize(static_cast<size_t>(first_.back()));
    std::vector<int> next(first_.begin(), first_.end() - 1);
    for (size_t i = 0; i < blocks.size(); ++i)
      if (blocks[i].bytes)
        list_[static_cast<size_t>(next[static_cast<size_t>(step(blocks[i]))]++)] =
            static_cast<int>(i);
  }
  std::span<int> operator[](size_t step) {
    return std::span(list_).subspan(static_cast<size_t>(first_[step]),
                                    static_cast<size_t>(first_[step + 1] - first_[step]));
  }
  size_t steps() const { return first_.size() - 1; }

 private:
  std::vector<int> first_, list_;
};

// What is born (the largest first) and what dies in each step.
struct Events {
  ByStep born, dead;
};

Events events_of(const std::vector<Block>& blocks) {
  int last = -1;
  for (const Block& block : blocks) last = std::max(last, block.end);
  const auto steps = static_cast<size_t>(last + 1);
  Events events{ByStep(blocks, steps, [](const Block& block) { return block.begin; }),
                ByStep(blocks, steps, [](const Block& block) { return block.end; })};
  for (size_t step = 0; step < steps; ++step) {
    const std::span<int> list = events.born[step];
    if (list.size() > 1)
      std::stable_sort(list.begin(), list.end(), [&](int x, int y) {
        return blocks[static_cast<size_t>(x)].bytes > blocks[static_cast<size_t>(y)].bytes;
      });
  }
  return events;
}

// Free ranges of an arena that grows at its end.
class FreeRanges {
 public:
  int64_t bytes() const { return arena_; }
  // The smallest range that fits; else the arena grows, from the start of a free range at its end.
  int64_t take(int64_t bytes) {
    const auto fit = by_size_.lower_bound({bytes, 0});
    if (fit != by_size_.end()) {
      const auto [size, offset] = *fit;
      erase(offset, size);
      if (size > bytes) insert(offset + bytes, size - bytes);
      return offset;
    }
    int64_t offset = arena_;
    if (!by_offset_.empty() && by_offset_.rbegin()->first + by_offset_.rbegin()->second == arena_) {
      offset = by_offset_.rbegin()->first;
      erase(offset, arena_ - offset);
    }
    arena_ = offset + bytes;
    return offset;
  }
  void give(int64_t offset, int64_t bytes) {
    auto next = by_offset_.lower_bound(offset);
    if (next != by_offset_.end() && offset + bytes == next->first) {
      const int64_t more = next->second;
      erase(next->first, more);
      bytes += more;
    }
    next = by_offset_.lower_bound(offset);
    if (next != by_offset_.begin()) {
      const auto [start, size] = *std::prev(next);
      if (start + size == offset) {
        erase(start, size);
        offset = start;
        bytes += size;
      }
    }
    insert(offset, bytes);
  }

 private:
  void insert(int64_t offset, int64_t size) {
    by_offset_[offset] = size;
    by_size_.insert({size, offset});
  }
  void erase(int64_t offset, int64_t size) {
    by_offset_.erase(offset);
    by_size_.erase({size, offset});
  }
  std::map<int64_t, int64_t> by_offset_;
  std::set<std::pair<int64_t, int64_t>> by_size_;
  int64_t arena_ = 0;
};

// In the order of execution: each block takes the smallest free range that fits.
Placement place_in_order(const std::vector<Block>& blocks, Events& events) {
  Placement result{std::vector<int64_t>(blocks.size(), 0)};
  FreeRanges ranges;
  for (size_t step = 0; step < events.born.steps(); ++step) {
    for (int i : events.born[step])
      result.offset[static_cast<size_t>(i)] = ranges.take(blocks[static_cast<size_t>(i)].bytes);
    for (int i : events.dead[step])
      ranges.give(result.offset[static_cast<size_t>(i)], blocks[static_cast<size_t>(i)].bytes);
  }
  result.bytes = ranges.bytes();
  return result;
}

// In the order of execution, with whole slots that are handed on and may grow (MXNet 1.9.1's way: a
// slot is reused for sizes within a factor of 16).
Placement place_in_slots(const std::vector<Block>& blocks, Events& events) {
  constexpr int64_t range = 16;
  std::vector<int64_t> slot_bytes;
  std::vector<size_t> slot_of(blocks.size(), 0);
  std::set<std::pair<int64_t, size_t>> free;
  for (size_t step = 0; step < events.born.steps(); ++step) {
    for (int i : events.born[step]) {
      const int64_t bytes = blocks[static_cast<size_t>(i)].bytes;
      auto found = free.lower_bound({bytes, 0});
      if (found == free.end() || found->first > bytes * range) {
        if (found == free.begin() || std::prev(found)->first < bytes / range)
          found = free.end();
        else
          --found;
      }
      size_t slot = slot_bytes.size();
      if (found != free.end()) {
        slot = found->second;
        free.erase(found);
        slot_bytes[slot] = std::max(slot_bytes[slot], bytes);
      } else {
        slot_bytes.push_back(bytes);
      }
      slot_of[static_cast<size_t>(i)] = slot;
    }
    for (int i : events.dead[step])
      free.insert({slot_bytes[slot_of[static_cast<size_t>(i)]], slot_of[static_cast<size_t>(i)]});
  }
  std::vector<int64_t> start(slot_bytes.size() + 1, 0);
  std::partial_sum(slot_bytes.begin(), slot_bytes.end(), start.begin() + 1);
  Placement result{std::vector<int64_t>(blocks.size(), 0), start.back()};
  for (size_t i = 0; i < blocks.size(); ++i)
    if (blocks[i].bytes) result.offset[i] = start[slot_of[i]];
  return result;
}

// Block by block in the given order, each at the lowest place (or in the tightest gap) among those
// already placed that live at the same time.
Placement place_by_conflicts(const std::vector<Block>& blocks, const Order& order, bool tightest) {
  Placement result{std::vector<int64_t>(blocks.size(), 0)};
  std::vector<int> placed;
  std::vector<std::pair<int64_t, int64_t>> taken;
  for (int i : order) {
    const Block& block = blocks[static_cast<size_t>(i)];
    taken.clear();
    for (int j : placed) {
      const Block& other = blocks[static_cast<size_t>(j)];
      if (other.begin <= block.end && block.begin <= other.end)
        taken.emplace_back(result.offset[static_cast<size_t>(j)],
                           result.offset[static_cast<size_t>(j)] + other.bytes);
    }
    std::sort(taken.begin(), taken.end());
    int64_t end = 0, best = -1, best_gap = INT64_MAX;
    for (const auto& [from, to] : taken) {
      const int64_t gap = from - end;
      if (gap >= block.bytes && gap < best_gap) {
        best = end;
        best_gap = gap;
        if (!tightest) break;
      }
      end = std::max(end, to);
    }
    result.offset[static_cast<size_t>(i)] = best >= 0 ? best : end;
    result.bytes = std::max(result.bytes, result.offset[static_cast<size_t>(i)] + block.bytes);
    placed.push_back(i);
  }
  return result;
}

}  // namespace

int64_t most_live(const std::vector<Block>& blocks) {
  std::vector<int64_t> change;
  for (const Block& block : blocks) {
    if (block.bytes == 0) continue;
    if (change.size() < static_cast<size_t>(block.end) + 2)
      change.resize(static_cast<size_t>(block.end) + 2, 0);
    change[static_cast<size_t>(block.begin)] += block.bytes;
    change[static_cast<size_t>(block.end) + 1] -= block.bytes;
  }
  int64_t live = 0, most = 0;
  for (const int64_t delta : change) most = std::max(most, live += delta);
  return most;
}

Placement place_apart(const std::vector<Block>& blocks) {
  Placement result;
  for (const Block& block : blocks) {
    result.offset.push_back(result.bytes);
    result.bytes += block.bytes;
  }
  return result;
}

Placement place_shared(const std::vector<Block>& blocks) {
  Events events = events_of(blocks);
  const int64_t least = most_live(blocks);
  // Nothing needs less; in large problems a hundredth more is not worth another try.
  const int64_t enough = blocks.size() <= small_problem ? least : least + least / 100;
  Placement best = place_in_order(blocks, events);
  const auto consider = [&](Placement candidate) {
    if (candidate.bytes < best.bytes) best = std::move(candidate);
  };
  if (best.bytes > enough) consider(place_in_slots(blocks, events));
  if (best.bytes > enough && blocks.size() <= small_problem) {
    Order by_size, by_area;
    for (size_t i = 0; i < blocks.size(); ++i)
      if (blocks[i].bytes) by_size.push_back(static_cast<int>(i));
    by_area = by_size;
    const auto at = [&](int i) -> const Block& { return blocks[static_cast<size_t>(i)]; };
    std::stable_sort(by_size.begin(), by_size.end(),
                     [&](int a, int b) { return at(a).bytes > at(b).bytes; });
    const auto area = [&](int i) {
      return static_cast<double>(at(i).bytes) * (at(i).end - at(i).begin + 1);
    };
    std::stable_sort(by_area.begin(), by_area.end(),
                     [&](int a, int b) { return area(a) > area(b); });
    for (const Order* order : {&by_size, &by_area})
      for (bool tightest : {false, true})
        if (best.bytes > enough) consider(place_by_conflicts(blocks, *order, tightest));
  }
  if (best.bytes > enough) consider(place_apart(blocks));
  best.enough = best.bytes <= enough;
  return best;
}

}  // namespace gemel::passes
