#include "engine/poison.h"

#include <algorithm>

namespace gemel::engine::detail {

Failure* Poison::of(const Tag& tag) {
  if (tag.poison_) return tag.poison_.get();
  if (tag.regions_) {
    for (const Tag* region : tag.regions_->live) {
      if (Failure* failure = of(*region)) return failure;
    }
  }
  return nullptr;
}

void Poison::store(Tag& tag, Ref<Failure> failure, std::vector<Ref<Failure>>& dropped) {
  if (failure)
    tag.word.fetch_or(poisoned_bit, std::memory_order_relaxed);
  else if (tag.poison_)
    tag.word.fetch_and(~poisoned_bit, std::memory_order_release);
  std::swap(tag.poison_, failure);
  if (failure) dropped.push_back(std::move(failure));
}

void Poison::set(Tag& tag, const Ref<Failure>& failure, std::vector<Ref<Failure>>& dropped) {
  bool covered = tag.regions_ && tag.regions_->live.size() == tag.regions_->total;
  store(tag, covered ? Ref<Failure>() : failure, dropped);
  if (!tag.regions_) return;
  for (Tag* region : tag.regions_->live) set(*region, failure, dropped);
}

void Poison::heal(Tag& tag, std::vector<Ref<Failure>>& dropped) {
  store(tag, {}, dropped);
  if (!tag.regions_) return;
  for (Tag* region : tag.regions_->live) heal(*region, dropped);
}

void Poison::detach(Tag& region, std::vector<Ref<Failure>>& dropped) {
  Tag& parent = *region.parent_;
  std::erase(parent.regions_->live, &region);
  if (region.poison_ && !parent.poison_) store(parent, region.poison_, dropped);
}

}  // namespace gemel::engine::detail
