#include "engine/tag.h"

#include "base/error.h"
#include "engine/bulk.h"
#include "engine/scheduler.h"
#include "engine/solo.h"

namespace gemel::engine {

Ref<Tag> make_tag(const char* name) { return make_ref<Tag>(name); }

Tag::Tag(const char* name) : name_(name) {}

Tag::~Tag() {
  if (word.load(std::memory_order_acquire) & detail::split_bit)
    detail::Scheduler::get().detach(*this);
  delete regions_;
}

uint32_t Tag::id() const {
  static std::atomic<uint32_t> last{0};
  uint32_t id = id_.load(std::memory_order_relaxed);
  if (id != 0) return id;
  uint32_t fresh = last.fetch_add(1, std::memory_order_relaxed) + 1;
  return id_.compare_exchange_strong(id, fresh, std::memory_order_relaxed) ? fresh : id;
}

std::vector<Ref<Tag>> split(Tag& parent, int n) {
  GEMEL_CHECK(n >= 1, "[engine] split() of a tag: expected at least 1 region, got {}", n);
  detail::mark_outer_frame();
  detail::flush_bulk();
  detail::join_pushers();
  return detail::Scheduler::get().split(parent, n);
}

}  // namespace gemel::engine
