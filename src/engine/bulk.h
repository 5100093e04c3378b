// Bulk: small tasks of one thread collected into one. Inside, each function keeps its own reads and
// writes for poisoning: a failure skips exactly the functions that it would have skipped had they
// been pushed one by one. Internal to the engine; users see engine::Bulk.
#pragma once
#include <memory>
#include <vector>

#include "engine/failure.h"
#include "engine/task.h"

namespace gemel::engine::detail {

struct BulkRun {
  struct Use {
    uint32_t access;
    bool reads, writes;
  };
  struct Step {
    Function function;
    const char* name;
    uint32_t first_use;  // up to the next step's
  };
  std::vector<Step> steps;
  std::vector<Use> uses;
  Function whole;                    // a fused push: instead of the steps where nothing is poisoned
  bool poisoned = false;             // a tag was poisoned at the start or a step has failed; then:
  std::vector<Ref<Failure>> poison;  // by access: at the start what was there, at the end what is
  std::vector<Ref<Failure>> failures;  // raised by steps

  void run(size_t accesses);  // on a worker, without the lock; of the task's accesses
  void drop();                // destroys the functions

 private:
  void run_whole(size_t accesses);
};

void recycle_bulk(std::unique_ptr<BulkRun> run, std::vector<Access> accesses);

class BulkBuffer {
 public:
  explicit BulkBuffer(int size) : size_(size) {}
  // True if the task was taken; the buffer is flushed first or afterwards as needed.
  bool collect(Function& work, const TaskOptions& options);
  bool uses(const Tag* tag);
  void append(Function work, std::span<Tag* const> reads, std::span<Tag* const> writes,
              const char* name);
  void flush();
  // As one task that runs `whole` where nothing is poisoned; something was appended.
  void submit_whole(Function whole, const TaskOptions& options);

 private:
  int size_;
  Task* task_ = nullptr;
  AccessTable table_;
};

// From now on the calling thread collects `size` small tasks at a time, until it ends; below 2 it
// collects none. Returns the previous size, 0 at first.
GEMEL_EXPORT int set_bulk_size(int size);

// Pushes what the calling thread has collected so far.
inline void flush_bulk() {
  if (thread_state.bulk) thread_state.bulk->flush();
}

}  // namespace gemel::engine::detail
