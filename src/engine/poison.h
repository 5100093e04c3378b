// Poison of tags and their regions. Poison lives at the regions while all of them have a tag;
// the parent keeps what belongs to no live region. Everything here is under the scheduler's lock.
#pragma once
#include <vector>

#include "engine/failure.h"
#include "engine/tag.h"

namespace gemel::engine::detail {

class Poison {
 public:
  // What a read of the tag would raise, or null.
  static Failure* of(const Tag& tag);
  // A failed write.
  static void set(Tag& tag, const Ref<Failure>& failure, std::vector<Ref<Failure>>& dropped);
  // A successful complete write. Replaced failures go to `dropped`, to die outside the lock.
  static void heal(Tag& tag, std::vector<Ref<Failure>>& dropped);
  // A region loses its tag: what it knew moves up.
  static void detach(Tag& region, std::vector<Ref<Failure>>& dropped);

 private:
  static void store(Tag& tag, Ref<Failure> failure, std::vector<Ref<Failure>>& dropped);
};

}  // namespace gemel::engine::detail
