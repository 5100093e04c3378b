#include "engine/chaos.h"

#include <algorithm>
#include <atomic>
#include <charconv>
#include <cinttypes>
#include <random>

#include "base/error.h"
#include "base/log.h"
#include "base/settings.h"

namespace gemel::engine::detail {
namespace {

constexpr size_t most_ready = 64;            // more than these are not left lying
constexpr size_t most_remembered = 1 << 22;  // choices kept in memory before they go to a file
constexpr const char* first_line = "gemel chaos order 1";

uint64_t mix(uint64_t a, uint64_t b) { return ChaosRandom(a ^ (b * 0xD6E8FEB86659FD93ull)).next(); }

// The calling thread's number and how much it has pushed, for one Chaos.
struct Pusher {
  uint64_t generation = 0;
  uint32_t thread = 0;
  uint64_t pushed = 0;
};
thread_local Pusher pusher;
std::atomic<uint64_t> generations{0};

const Task* running_task() {
  for (const Frame* frame = thread_state.frame; frame; frame = frame->outer)
    if (frame->task) return frame->task;
  return nullptr;
}

}  // namespace

uint64_t ChaosRandom::next() {  // splitmix64 (Steele, Lea, Flood 2014)
  uint64_t z = state_ += 0x9E3779B97F4A7C15ull;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
  return z ^ (z >> 31);
}

Chaos::Chaos(std::string_view kind) : random_(0), generation_(++generations) {
  const std::string what(kind.substr(std::min(kind.size(), kind.find(':') + 1)));
  const auto [end, error] = std::from_chars(what.data(), what.data() + what.size(), seed_);
  if (kind.find(':') == std::string_view::npos)
    seed_ = std::random_device{}();
  else if (what.empty() || error != std::errc() || end != what.data() + what.size())
    read(what);
  random_ = ChaosRandom(seed_);
  log::info("[engine] chaos: the seed is {}", seed_);
}

Chaos::~Chaos() {
  if (record_) std::fclose(record_);
}

void Chaos::read(const std::string& path) {
  std::FILE* file = std::fopen(path.c_str(), "r");
  if (!file) {
    fail(ErrorKind::Environment,
         "[engine] chaos:{}: expected a seed or a recorded order, but there is no such file", path);
  }
  char line[256];
  const bool right = std::fgets(line, sizeof line, file) &&
                     std::string_view(line) == std::string(first_line) + "\n" &&
                     std::fscanf(file, "seed %" SCNu64 "\n", &seed_) == 1;
  while (right && std::fgets(line, sizeof line, file)) {
    uint64_t id = 0;
    if (std::sscanf(line, "%" SCNx64, &id) == 1) replayed_.push_back(id);
  }
  std::fclose(file);
  GEMEL_CHECK(right, "[engine] chaos:{}: expected a recorded order (\"{}\"), got another file",
              path, first_line);
}

void Chaos::number(Task& task) {
  task.chaos_children = 0;
  if (const Task* parent = running_task()) {
    task.chaos_id = mix(parent->chaos_id, ++parent->chaos_children);
  } else {
    if (pusher.generation != generation_) pusher = {generation_, threads_++, 0};
    task.chaos_id = mix(mix(1, pusher.thread), ++pusher.pushed);
    if (pusher.thread > 0) start_recording("more than one thread pushes");
  }
  if (task.asynchronous) start_recording("a task ends asynchronously");
}

Task* Chaos::choose() {
  if (ready_.empty()) return nullptr;
  size_t index = 0;
  if (replaying()) {
    const auto found = std::find_if(ready_.begin(), ready_.end(), [&](const Task* task) {
      return task->chaos_id == replayed_[next_];
    });
    if (found == ready_.end()) return nullptr;
    index = static_cast<size_t>(found - ready_.begin());
    ++next_;
  } else {
    index = random_.below(ready_.size());
  }
  Task* task = ready_[index];
  ready_.erase(ready_.begin() + static_cast<std::ptrdiff_t>(index));
  note(*task);
  return task;
}

Task* Chaos::choose_after_push() {
  if (replaying()) return choose();
  return ready_.size() > most_ready || random_.below(2) ? choose() : nullptr;
}

void Chaos::give_up_replay() {
  if (!replaying()) return;
  log::warning(
      "[engine] chaos: task {} of the recorded order does not come; the program differs from the "
      "recorded one. From here on the seed decides",
      next_ + 1);
  next_ = replayed_.size();
}

uint64_t Chaos::draw(const Task* running) const {
  if (!running) running = running_task();
  return running ? mix(mix(seed_, running->chaos_id), ++running->chaos_children) : seed_;
}

void Chaos::note(const Task& task) {
  if (record_) {  // written line by line: a program that dies leaves its order behind
    std::fprintf(record_, "%016" PRIx64 " %.200s\n", task.chaos_id, task.name);
    std::fflush(record_);
  } else if (!recorded_) {
    chosen_.push_back({task.chaos_id, task.name});
    if (chosen_.size() > most_remembered) start_recording("the program is long");
  }
}

void Chaos::start_recording(const char* reason) {
  if (recorded_ || !replayed_.empty()) return;
  recorded_ = true;
  const std::string path = settings::current().chaos_order;
  record_ = std::fopen(path.c_str(), "w");
  if (!record_) {
    log::warning("[engine] chaos: {} cannot be written, so the order is not recorded", path);
    return;
  }
  log::warning(
      "[engine] chaos: the seed {} alone does not repeat this order ({}); it is recorded. "
      "GEMEL_ENGINE=chaos:{} replays it",
      seed_, reason, path);
  std::fprintf(record_, "%s\nseed %" PRIu64 "\n", first_line, seed_);
  for (const Chosen& chosen : chosen_)
    std::fprintf(record_, "%016" PRIx64 " %.200s\n", chosen.id, chosen.name);
  std::fflush(record_);
  chosen_ = {};
}

}  // namespace gemel::engine::detail
