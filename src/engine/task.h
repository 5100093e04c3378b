// What the scheduler keeps of a queued task. Internal to the engine.
#pragma once
#include <atomic>
#include <memory>
#include <vector>

#include "engine/engine.h"
#include "engine/failure.h"

namespace gemel::engine::detail {

enum class Mode : uint8_t { read, write, intent_read, intent_write };

inline constexpr uint64_t mode_unit[] = {reader_unit, writer_bit, intent_reader_unit,
                                         intent_writer_unit};
// Holders that keep a request of each mode waiting.
inline constexpr uint64_t mode_conflicts[] = {
    writer_bit | intent_writer_field,
    writer_bit | reader_field | intent_reader_field | intent_writer_field,
    writer_bit,
    writer_bit | reader_field,
};

// One tag of one task; while it waits, a link of the tag's queue.
struct Access {
  Tag* tag = nullptr;  // retained by the task, not by a waiter
  Task* task = nullptr;
  Access* next = nullptr;
  Mode mode = Mode::read;
  bool reads = false;     // a poisoned tag makes the task skip
  bool writes = false;    // a failure poisons the tag
  bool complete = false;  // a write of the whole tag: heals it if it does not read it too
};

struct BulkRun;

// A thread that waits for a tag is a task that does nothing but this.
struct Waiter {
  std::atomic<bool> done{false};
  Ref<Failure> poison;
};

struct Task {
  Function function;
  std::vector<Access> accesses;
  std::unique_ptr<BulkRun> bulk;
  Waiter* waiter = nullptr;
  Ref<Cancellation> cancellation;
  std::atomic<bool>* done = nullptr;  // a synchronous pusher waits for this
  Task* next = nullptr;
  const char* name = "task";
  int64_t bytes = 0;
  int64_t pushed = 0, ready = 0, started = 0;  // when traced
  int pending = 0;                             // accesses not yet granted
  int priority = 0;
  Resource resource = Resource::compute;
  bool finaliser = false;
  bool effect = false;
  bool asynchronous = false;
  mutable uint32_t chaos_children = 0;  // pushed by this task
  uint64_t chaos_id = 0;                // the same in every run of the program
  std::atomic<int> holders{1};          // asynchronous tasks: the worker and the completion
};

// Recycled tasks: their vectors keep their memory.
Task* allocate_task();
void recycle_task(Task* task);  // not under the scheduler's lock: drops tags

// Adds `tag` (and intents on the tags above it) to the task, merged with what it already has.
// Returns the index of the access that stands for `tag`.
class AccessTable;
int add_access(Task& task, AccessTable& table, Tag* tag, bool reads, bool writes);

// Finds the access of a tag: linear for few, hashed for many.
class AccessTable {
 public:
  int find(const Task& task, const Tag* tag);
  void added(const Task& task);  // after a push_back to task.accesses
  void clear() { filled_ = 0; }

 private:
  void insert(const Task& task, uint32_t index);
  std::vector<uint32_t> slots_;  // index + 1, 0 is empty
  size_t filled_ = 0;            // accesses in slots_; 0: not in use
};

}  // namespace gemel::engine::detail
