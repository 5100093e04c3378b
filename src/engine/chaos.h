// The chaos engine's choices: which of the ready tasks runs next, and what was chosen, so that it
// can be chosen again. Internal; everything here is under the scheduler's lock.
//
// Tasks run one at a time on the threads that push and wait. What a thread pushes is numbered, so
// a task has the same identity in every run of one program, whatever the threads' timing.
#pragma once
#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "engine/task.h"

namespace gemel::engine::detail {

// One random number after another; the same on every machine.
class ChaosRandom {
 public:
  explicit ChaosRandom(uint64_t seed) : state_(seed) {}
  uint64_t next();
  size_t below(size_t n) { return static_cast<size_t>(next() % n); }

 private:
  uint64_t state_;
};

class Chaos {
 public:
  // "chaos" (a seed of its own), "chaos:SEED" with a whole number, or "chaos:FILE" with a recorded
  // order. Throws Error(Environment) when the file cannot be read, Error(Input) when it is no
  // order.
  explicit Chaos(std::string_view kind);
  ~Chaos();

  uint64_t seed() const { return seed_; }
  // Gives a pushed task its identity.
  void number(Task& task);
  // A task whose tags are all granted.
  void add_ready(Task* task) { ready_.push_back(task); }
  bool has_ready() const { return !ready_.empty(); }
  size_t ready_count() const { return ready_.size(); }
  std::vector<Task*> take_ready() { return std::exchange(ready_, {}); }
  // The task that a waiting thread runs next; null when there is none, or when a replayed order
  // wants one that is not ready yet.
  Task* choose();
  // The same after a push, which runs a task now and then only.
  Task* choose_after_push();
  // The replayed order asks for a task that does not come: from here on the seed decides.
  void give_up_replay();
  // For the inside of the running task: the seed of its own order.
  uint64_t draw(const Task* running) const;

 private:
  struct Chosen {
    uint64_t id;
    const char* name;
  };
  void read(const std::string& path);
  void note(const Task& task);
  void start_recording(const char* reason);
  bool replaying() const { return next_ < replayed_.size(); }

  uint64_t seed_ = 0;
  ChaosRandom random_;
  std::vector<Task*> ready_;
  std::vector<uint64_t> replayed_;
  size_t next_ = 0;
  std::vector<Chosen> chosen_;  // until a record is wanted
  std::FILE* record_ = nullptr;
  bool recorded_ = false;
  uint32_t threads_ = 0;
  const uint64_t generation_;
};

}  // namespace gemel::engine::detail
