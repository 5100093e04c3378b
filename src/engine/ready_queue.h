// Ready tasks of one resource: higher priority first, first come first served among equals.
#pragma once
#include <atomic>
#include <condition_variable>
#include <functional>
#include <map>
#include <thread>
#include <vector>

#include "engine/task.h"

namespace gemel::engine::detail {

class ReadyQueue {
 public:
  void push(Task* task) {
    (task->priority == 0 ? plain_ : others_[task->priority]).push(task);
    size_.store(size_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  }
  Task* pop() {
    if (size() == 0) return nullptr;
    size_.store(size_.load(std::memory_order_relaxed) - 1, std::memory_order_relaxed);
    if (others_.empty()) return plain_.pop();
    auto best = others_.begin();
    if (best->first < 0 && plain_.first) return plain_.pop();
    Task* task = best->second.pop();
    if (!best->second.first) others_.erase(best);
    return task;
  }
  // May be read without the lock, to spin on.
  int size() const { return size_.load(std::memory_order_relaxed); }

 private:
  struct List {
    Task* first = nullptr;
    Task* last = nullptr;
    void push(Task* task) {
      task->next = nullptr;
      (first ? last->next : first) = task;
      last = task;
    }
    Task* pop() {
      Task* task = first;
      first = task->next;
      return task;
    }
  };
  List plain_;
  std::map<int, List, std::greater<int>> others_;
  std::atomic<int> size_{0};
};

// The threads of one resource and what waits for them.
struct Crew {
  ReadyQueue queue;
  std::condition_variable wake;
  std::vector<std::thread> threads;
  int limit = 1;
  int sleeping = 0;
  int woken = 0;     // notified, not yet awake
  int spinning = 0;  // awake, looking for work, or just started
};

}  // namespace gemel::engine::detail
