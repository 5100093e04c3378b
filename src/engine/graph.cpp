#include "engine/graph.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <mutex>

#include "base/error.h"
#include "engine/scheduler.h"
#include "engine/solo.h"
#include "engine/trace.h"
#include "engine/trace_buffer.h"

namespace gemel::engine {

// Ready nodes pass through an array with one place per node: each becomes ready once in a run, so
// places are only ever claimed (by `tail_`), filled, and taken in order (by `head_`).
class Graph::Run final : public detail::Helpable {
 public:
  int add(std::function<void()> function, std::span<const int> after, const char* name);
  void finish();
  void run();
  int size() const { return static_cast<int>(nodes_.size()); }
  int width() const { return width_; }

  bool wants_help() const override { return head_.load(std::memory_order_relaxed) < tail_.load(); }
  void help() override;

 private:
  struct Node {
    std::function<void()> function;
    const char* name;
    std::vector<int> after;
  };
  // What a run changes of a node.
  struct State {
    std::atomic<int> waits{0};
    std::atomic<int> ready{-1};  // the place with this index in the array of ready nodes
  };

  void run_in_order();
  void run_in_random_order(uint64_t seed);
  void run_together();
  void run_node(int node);
  void work(bool owner);
  int take();
  void publish(int node);
  // Runs `node`, makes ready what waited for it and returns one of those, or -1.
  int advance(int node);
  void wake_owner();

  std::vector<Node> nodes_;
  std::vector<int> first_;  // node's followers: followers_[first_[n] .. first_[n + 1])
  std::vector<int> followers_;
  std::vector<int> waits_;  // number of different nodes in `after`
  int width_ = 0;
  bool finished_ = false;
  bool traced_ = false;
  std::atomic<bool> running_{false};

  std::unique_ptr<State[]> states_;
  alignas(64) std::atomic<int> head_{0};
  alignas(64) std::atomic<int> tail_{0};
  alignas(64) std::atomic<int> left_{0};
  std::atomic<bool> failed_{false};
  std::atomic<bool> owner_sleeps_{false};
  detail::Frame* frame_ = nullptr;  // of the enclosing task, for helpers
  std::mutex mutex_;                // of what follows
  std::condition_variable wake_;
  std::exception_ptr error_;
};

int Graph::Run::add(std::function<void()> function, std::span<const int> after, const char* name) {
  GEMEL_CHECK(!finished_, "[engine] Graph: add() of \"{}\" after finish()", name);
  int node = size();
  std::vector<int> unique(after.begin(), after.end());
  std::sort(unique.begin(), unique.end());
  unique.erase(std::unique(unique.begin(), unique.end()), unique.end());
  for (int before : unique) {
    GEMEL_CHECK(before >= 0 && before < node,
                "[engine] Graph: node {} (\"{}\") is after node {}, expected one added before it",
                node, name, before);
  }
  nodes_.push_back({std::move(function), name, std::move(unique)});
  return node;
}

void Graph::Run::finish() {
  if (finished_) return;
  finished_ = true;
  size_t n = nodes_.size();
  std::vector<int> level(n, 0), at_level(n + 1, 0);
  first_.assign(n + 1, 0);
  for (size_t i = 0; i < n; ++i) {
    waits_.push_back(static_cast<int>(nodes_[i].after.size()));
    for (int before : nodes_[i].after) {
      ++first_[before + 1];
      level[i] = std::max(level[i], level[before] + 1);
    }
    width_ = std::max(width_, ++at_level[level[i]]);
  }
  for (size_t i = 0; i < n; ++i) first_[i + 1] += first_[i];
  followers_.resize(first_[n]);
  std::vector<int> next(first_.begin(), first_.end());
  for (size_t i = 0; i < n; ++i) {
    for (int before : nodes_[i].after) followers_[next[before]++] = static_cast<int>(i);
    nodes_[i].after = {};
  }
  if (width_ > 1) states_ = std::make_unique<State[]>(n);
}

void Graph::Run::run() {
  GEMEL_CHECK(finished_, "[engine] Graph: run() before finish()");
  GEMEL_CHECK(!running_.exchange(true, std::memory_order_acquire),
              "[engine] Graph: run() while it runs already: let its task write a tag");
  struct Done {
    std::atomic<bool>& running;
    ~Done() { running.store(false, std::memory_order_release); }
  } done{running_};
  traced_ = tracing();
  uint64_t seed = 0;
  if (width_ > 1 && detail::Scheduler::get().draw_order(seed))
    run_in_random_order(seed);
  else if (width_ <= 1 || detail::Scheduler::get().compute_workers() <= 1)
    run_in_order();
  else
    run_together();
}

inline void Graph::Run::run_node(int node) {
  if (!traced_) return nodes_[node].function();
  int64_t started = trace_now();
  nodes_[node].function();
  detail::trace_part(nodes_[node].name, started);
}

void Graph::Run::run_in_order() {
  for (int node = 0; node < size(); ++node) run_node(node);
}

void Graph::Run::run_in_random_order(uint64_t seed) {
  detail::ChaosRandom random(seed);
  std::vector<int> waits = waits_, ready;
  for (int i = 0; i < size(); ++i)
    if (waits[i] == 0) ready.push_back(i);
  while (!ready.empty()) {
    std::swap(ready[random.below(ready.size())], ready.back());
    const int node = ready.back();
    ready.pop_back();
    run_node(node);
    for (int i = first_[node]; i < first_[node + 1]; ++i)
      if (--waits[followers_[i]] == 0) ready.push_back(followers_[i]);
  }
}

void Graph::Run::run_together() {
  int n = size();
  for (int i = 0; i < n; ++i) {
    states_[i].waits.store(waits_[i], std::memory_order_relaxed);
    states_[i].ready.store(-1, std::memory_order_relaxed);
  }
  head_.store(0, std::memory_order_relaxed);
  left_.store(n, std::memory_order_relaxed);
  failed_.store(false, std::memory_order_relaxed);
  detail::mark_outer_frame();  // helpers may push, too
  frame_ = detail::thread_state.frame;
  int sources = 0;
  for (int i = 0; i < n; ++i) {
    if (waits_[i] == 0) states_[sources++].ready.store(i, std::memory_order_relaxed);
  }
  tail_.store(sources, std::memory_order_release);

  detail::Scheduler& scheduler = detail::Scheduler::get();
  scheduler.offer(this, std::min(sources, scheduler.compute_workers()) - 1);
  work(true);
  scheduler.retract(this);
  if (error_) std::rethrow_exception(std::exchange(error_, nullptr));
}

void Graph::Run::help() {
  detail::ThreadState& thread = detail::thread_state;
  detail::Frame* own = std::exchange(thread.frame, frame_);
  work(false);
  thread.frame = own;
}

int Graph::Run::take() {
  int head = head_.load(std::memory_order_relaxed);
  while (head < tail_.load()) {
    int node = states_[head].ready.load(std::memory_order_acquire);
    if (node < 0) {  // claimed, about to be filled
      detail::spin_pause();
      head = head_.load(std::memory_order_relaxed);
      continue;
    }
    if (head_.compare_exchange_weak(head, head + 1, std::memory_order_acq_rel)) return node;
  }
  return -1;
}

void Graph::Run::publish(int node) {
  int place = tail_.fetch_add(1);
  states_[place].ready.store(node, std::memory_order_release);
}

int Graph::Run::advance(int node) {
  if (!failed_.load(std::memory_order_relaxed)) {
    try {
      run_node(node);
    } catch (...) {
      std::lock_guard lock(mutex_);
      if (!error_) error_ = std::current_exception();
      failed_.store(true, std::memory_order_relaxed);
    }
  }
  int mine = -1, published = 0;
  for (int i = first_[node]; i < first_[node + 1]; ++i) {
    int follower = followers_[i];
    // The last of several to be done sees 1; for a single one there is nobody to race with.
    if (waits_[follower] != 1 &&
        states_[follower].waits.fetch_sub(1, std::memory_order_acq_rel) != 1) {
      continue;
    }
    if (mine < 0) {
      mine = follower;
    } else {
      publish(follower);
      ++published;
    }
  }
  if (published > 0) {
    if (owner_sleeps_.load()) wake_owner();
    detail::Scheduler::get().more_help();
  }
  return mine;
}

void Graph::Run::wake_owner() {
  { std::lock_guard lock(mutex_); }
  wake_.notify_one();
}

void Graph::Run::work(bool owner) {
  constexpr int spins = 60;
  int idle = 0;
  for (;;) {
    int done = 0;
    for (int node = take(); node >= 0;) {
      node = advance(node);
      ++done;
    }
    if (done > 0) {
      idle = 0;
      // All that was taken here is counted at once, after its followers were published.
      if (left_.fetch_sub(done) == done && owner_sleeps_.load()) wake_owner();
      continue;
    }
    if (left_.load(std::memory_order_acquire) == 0) return;
    if (++idle < spins) {
      detail::spin_pause();
      continue;
    }
    if (!owner) return;  // the scheduler calls again when there is more
    std::unique_lock lock(mutex_);
    owner_sleeps_.store(true);
    wake_.wait(lock, [&] { return wants_help() || left_.load() == 0; });
    owner_sleeps_.store(false);
    idle = 0;
  }
}

Graph::Graph() : run_(std::make_unique<Run>()) {}
Graph::~Graph() = default;
Graph::Graph(Graph&&) noexcept = default;
Graph& Graph::operator=(Graph&&) noexcept = default;

int Graph::add(std::function<void()> function, std::span<const int> after, const char* name) {
  return run_->add(std::move(function), after, name);
}
void Graph::finish() { run_->finish(); }
void Graph::run() { run_->run(); }
int Graph::size() const { return run_->size(); }
int Graph::width() const { return run_->width(); }

}  // namespace gemel::engine
