#include "runtime/hoisted_values.h"

namespace gemel::runtime {
namespace {

constexpr int64_t alignment = 64;

}  // namespace

HoistedValues::HoistedValues(std::unique_ptr<Plan> plan, int slots)
    : plan_(std::move(plan)), slots_(slots) {
  for (size_t i = static_cast<size_t>(slots_); i < plan_->shapes().size(); ++i) {
    offsets_.push_back(bytes_);
    const int64_t size = plan_->shapes()[i].size() * size_of(plan_->dtypes()[i]);
    bytes_ += (size + alignment - 1) / alignment * alignment;
  }
}

const std::vector<int>& HoistedValues::reads() const { return plan_->reads(0); }

std::byte* HoistedValues::refresh(std::span<const NDArray> slots) {
  found_.clear();
  bool known = true;
  for (int slot : reads()) {
    const NDArray& array = slots[static_cast<size_t>(slot)];
    engine::Tag& tag = array.storage()->bare_tag();
    const uint64_t version = array.storage()->exposed() ? 0 : tag.version();
    known = known && version != 0;
    found_.push_back({Ref<engine::Tag>(&tag), array.data<std::byte>(), version});
  }
  if (memory_ && known && found_ == stamps_) return memory_->data();

  stamps_.clear();
  memory::OwnerScope scope(memory::Owner::plan);
  if (!memory_) memory_ = Storage::allocate(bytes_, plan_->device());
  std::vector<NDArray> all(slots.begin(), slots.begin() + slots_);
  for (size_t i = 0; i < offsets_.size(); ++i) {
    const size_t slot = static_cast<size_t>(slots_) + i;
    all.emplace_back(memory_, offsets_[i], plan_->shapes()[slot], plan_->dtypes()[slot]);
  }
  const Ref<Storage> arena = Storage::allocate(plan_->arena_bytes(), plan_->device());
  plan_->run_here(all, 0, 1, *arena, {});
  ++computed_;
  stamps_.swap(found_);
  return memory_->data();
}

}  // namespace gemel::runtime
