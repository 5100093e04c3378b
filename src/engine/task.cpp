#include "engine/task.h"

#include <mutex>

#include "engine/bulk.h"

namespace gemel::engine::detail {
namespace {

// Workers give tasks back to one list; a pushing thread takes the whole list at once.
std::atomic<Task*> returned{nullptr};

void give_back(Task* task) {
  Task* head = returned.load(std::memory_order_relaxed);
  do {
    task->next = head;
  } while (!returned.compare_exchange_weak(head, task, std::memory_order_release,
                                           std::memory_order_relaxed));
}

struct LocalTasks {
  Task* first = nullptr;
  ~LocalTasks() {
    while (Task* task = first) {
      first = task->next;
      give_back(task);
    }
  }
};
thread_local LocalTasks local_tasks;

// A few large tasks are worth keeping for bulks; many would hold memory for nothing.
constexpr size_t largest_recycled = 32;

Mode merge(Mode a, Mode b) {
  if (a == b) return a;
  if (a > b) std::swap(a, b);
  if (a == Mode::write) return Mode::write;
  if (a == Mode::intent_read) return Mode::intent_write;
  return b == Mode::intent_read ? Mode::read : Mode::write;  // read with an intent or a write
}

int add_mode(Task& task, AccessTable& table, Tag* tag, Mode mode) {
  int index = table.find(task, tag);
  if (index >= 0) {
    Access& access = task.accesses[index];
    access.mode = merge(access.mode, mode);
    return index;
  }
  tag->retain();
  Access access;
  access.tag = tag;
  access.mode = mode;
  task.accesses.push_back(access);
  table.added(task);
  return static_cast<int>(task.accesses.size()) - 1;
}

}  // namespace

Task* allocate_task() {
  LocalTasks& local = local_tasks;
  if (!local.first) local.first = returned.exchange(nullptr, std::memory_order_acquire);
  if (Task* task = local.first) {
    local.first = task->next;
    task->next = nullptr;
    return task;
  }
  Task* task = new Task;
  task->accesses.reserve(8);
  return task;
}

void recycle_task(Task* task) {
  for (Access& access : task->accesses) access.tag->release();
  if (task->bulk || task->accesses.capacity() > largest_recycled) {
    if (task->bulk) recycle_bulk(std::move(task->bulk), std::move(task->accesses));
    delete task;
    return;
  }
  task->function.reset();
  if (task->cancellation) task->cancellation = {};
  task->accesses.clear();
  task->done = nullptr;
  task->pushed = task->ready = task->started = 0;
  task->asynchronous = task->effect = false;
  task->holders.store(1, std::memory_order_relaxed);
  give_back(task);
}

int add_access(Task& task, AccessTable& table, Tag* tag, bool reads, bool writes) {
  bool complete = writes;
  while (tag->alias()) {
    tag = tag->parent();
    complete = false;
  }
  int index = add_mode(task, table, tag, writes ? Mode::write : Mode::read);
  Access& access = task.accesses[index];
  access.reads |= reads;
  access.writes |= writes;
  access.complete |= complete;
  for (Tag* above = tag->parent(); above; above = above->parent()) {
    add_mode(task, table, above, writes ? Mode::intent_write : Mode::intent_read);
  }
  return index;
}

int AccessTable::find(const Task& task, const Tag* tag) {
  if (filled_ == 0) {
    for (size_t i = 0; i < task.accesses.size(); ++i) {
      if (task.accesses[i].tag == tag) return static_cast<int>(i);
    }
    return -1;
  }
  size_t mask = slots_.size() - 1;
  size_t at = (reinterpret_cast<uintptr_t>(tag) * 0x9E3779B97F4A7C15ull >> 40) & mask;
  for (;; at = (at + 1) & mask) {
    uint32_t slot = slots_[at];
    if (slot == 0) return -1;
    if (task.accesses[slot - 1].tag == tag) return static_cast<int>(slot) - 1;
  }
}

void AccessTable::added(const Task& task) {
  size_t count = task.accesses.size();
  if (filled_ == 0 && count <= 12) return;
  if (filled_ == 0 || count * 2 > slots_.size()) {
    size_t size = std::max<size_t>(slots_.size(), 512);
    while (size < count * 3) size *= 2;
    slots_.assign(size, 0);
    for (uint32_t i = 0; i < count; ++i) insert(task, i);
  } else {
    insert(task, static_cast<uint32_t>(count) - 1);
  }
  filled_ = count;
}

void AccessTable::insert(const Task& task, uint32_t index) {
  size_t mask = slots_.size() - 1;
  size_t at =
      (reinterpret_cast<uintptr_t>(task.accesses[index].tag) * 0x9E3779B97F4A7C15ull >> 40) & mask;
  while (slots_[at] != 0) at = (at + 1) & mask;
  slots_[at] = index + 1;
}

}  // namespace gemel::engine::detail
