// What a Plan keeps between its runs: values that depend on parameters only (passes/hoist.h).
#pragma once
#include <memory>
#include <span>
#include <vector>

#include "array/ndarray.h"
#include "runtime/plan.h"

namespace gemel::runtime {

// Computed by the first run, and again by every run that finds a parameter written since, or one of
// which that cannot be told because others know its memory.
class HoistedValues {
 public:
  // `plan` computes the values from the caller's slots, of which there are `slots`, into the slots
  // after these.
  HoistedValues(std::unique_ptr<Plan> plan, int slots);

  // The caller's slots that are read.
  const std::vector<int>& reads() const;
  int64_t bytes() const { return bytes_; }
  // Where a value is in the memory that refresh() gives, by its place after the caller's slots.
  int64_t offset(int value) const { return offsets_[static_cast<size_t>(value)]; }

  // The memory with all values, up to date. Only inside a task that holds the arrays in `slots`,
  // one at a time.
  std::byte* refresh(std::span<const NDArray> slots);

  // How often values were computed.
  int64_t computed() const { return computed_; }

 private:
  struct Stamp {           // of an array's value
    Ref<engine::Tag> tag;  // held, so that no other array gets it
    const std::byte* address;
    uint64_t version;
    bool operator==(const Stamp& other) const {
      return tag.get() == other.tag.get() && address == other.address && version == other.version;
    }
  };

  std::unique_ptr<Plan> plan_;
  int slots_;
  std::vector<int64_t> offsets_;
  int64_t bytes_ = 0, computed_ = 0;
  Ref<Storage> memory_;
  std::vector<Stamp> stamps_, found_;  // beside reads(); empty: the values are of no use
};

}  // namespace gemel::runtime
