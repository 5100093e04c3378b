// Tag: what a task says it reads or writes. Usually one block of memory; also a random generator,
// a workspace, a file, anything a user wants ordered.
//
// split() cuts a tag into regions. A task on the parent depends on every task on its regions and
// the other way round; tasks on different regions are independent of each other.
#pragma once
#include <atomic>
#include <cstdint>
#include <vector>

#include "base/export.h"
#include "base/intrusive.h"

namespace gemel::engine {

class Tag;
GEMEL_EXPORT Ref<Tag> make_tag(const char* name = nullptr);

// `n` tags of disjoint regions that together cover the parent. While regions of an earlier split
// live, a further split yields tags that are ordered like the whole parent: correct, not parallel.
GEMEL_EXPORT std::vector<Ref<Tag>> split(Tag& parent, int n);

namespace detail {
struct Access;
struct Failure;
struct Frame;
class Scheduler;
class Poison;

// The state of a tag in one word, so that free tags are taken and given back without a lock.
// Three counts of holders and one writer bit; then flags. Holders of a region count as intents on
// every tag above it.
inline constexpr uint64_t reader_unit = 1;
inline constexpr uint64_t intent_reader_unit = uint64_t{1} << 20;
inline constexpr uint64_t intent_writer_unit = uint64_t{1} << 40;
inline constexpr uint64_t reader_field = intent_reader_unit - 1;
inline constexpr uint64_t intent_reader_field = intent_writer_unit - intent_reader_unit;
inline constexpr uint64_t writer_bit = uint64_t{1} << 58;
inline constexpr uint64_t intent_writer_field = writer_bit - intent_writer_unit;
inline constexpr uint64_t queued_bit = uint64_t{1} << 59;    // the queue of waiters is not empty
inline constexpr uint64_t poisoned_bit = uint64_t{1} << 60;  // `poison` is set
inline constexpr uint64_t split_bit = uint64_t{1} << 61;     // has a parent or regions
}  // namespace detail

class GEMEL_EXPORT Tag : public Counted<Tag> {
 public:
  explicit Tag(const char* name);
  ~Tag();
  const char* name() const { return name_; }
  uint32_t id() const;  // for traces: given at its first call

  Tag* parent() const { return parent_.get(); }  // the tag this is a region of, or null
  bool alias() const { return alias_; }          // a region that is ordered like its whole parent

  // Which value the tag stands for: every task that writes it leaves another number behind. To be
  // asked by a task that holds the tag. 0: unknown, as parts of it are written on their own.
  uint64_t version() const {
    if (word.load(std::memory_order_relaxed) & detail::split_bit) return 0;
    return version_.load(std::memory_order_relaxed);
  }

  // The rest belongs to the engine. `word` changes atomically; everything else under its lock.
  std::atomic<uint64_t> word{0};
  // By a writer that holds the tag, and so without another who would count at the same time.
  void note_write() {
    version_.store(version_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  }

 private:
  friend class detail::Scheduler;
  friend class detail::Poison;
  friend GEMEL_EXPORT std::vector<Ref<Tag>> split(Tag& parent, int n);

  std::atomic<uint64_t> version_{1};
  const char* name_;
  mutable std::atomic<uint32_t> id_{0};
  bool alias_ = false;
  detail::Access* first_ = nullptr;  // waiters in push order
  detail::Access* last_ = nullptr;
  Ref<detail::Failure> poison_;
  Ref<Tag> parent_;
  struct Regions {
    std::vector<Tag*> live;
    size_t total = 0;
  };
  Regions* regions_ = nullptr;
};

}  // namespace gemel::engine
