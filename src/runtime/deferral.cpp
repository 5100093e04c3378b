#include "runtime/deferral.h"

#include <unistd.h>

#include <atomic>
#include <mutex>
#include <unordered_map>

#include "base/settings.h"
#include "engine/engine.h"
#include "runtime/held_calls.h"

namespace gemel::runtime {
namespace {

constexpr size_t most_programs = 256;

// The calls that one thread holds back. The lock is held while they are pushed, so that another
// thread that needs them pushed waits for that; under it no reference to memory is dropped and no
// user's code runs, so the interpreter's lock cannot be wanted there.
class Holder {
 public:
  // Of the owning thread.
  void add(const HeldCall& call) {
    for (;;) {
      std::shared_ptr<HeldCalls> pushed;
      const Storage* elsewhere = nullptr;
      {
        std::lock_guard lock(mutex_);
        if (calls_ && !calls_->accepts(call)) {
          pushed = push_locked();
        } else {
          if (!calls_)
            calls_ = std::make_shared<HeldCalls>(call.out[0].shape(), call.compute,
                                                 call.out[0].device());
          elsewhere = calls_->used_elsewhere(call);
          if (!elsewhere) return calls_->add(call);
        }
      }
      if (elsewhere) Storage::push_held(*elsewhere);
      pushed = nullptr;
      engine::throttle();
    }
  }

  // From any thread; only calls that use `storage`, or all.
  void push(const Storage* storage = nullptr) {
    std::shared_ptr<HeldCalls> pushed;  // dies after the lock is given back
    std::lock_guard lock(mutex_);
    if (calls_ && (!storage || calls_->uses(*storage))) pushed = push_locked();
  }

 private:
  std::shared_ptr<HeldCalls> push_locked() {
    std::shared_ptr<HeldCalls> calls = std::exchange(calls_, nullptr);
    if (calls->provide()) HeldCalls::push(calls, program_for(*calls));
    calls->let_go();
    return calls;
  }

  const FusedProgram* program_for(const HeldCalls& calls) {
    std::string key = calls.key();
    auto found = programs_.find(key);
    if (found != programs_.end()) return found->second.program ? &found->second : nullptr;
    if (programs_.size() >= most_programs) programs_.clear();
    FusedProgram fused{nullptr, ""};
    try {
      fused = calls.compile();
    } catch (const Error&) {
      // Too large for one program: the calls run one by one.
    }
    found = programs_.emplace(std::move(key), std::move(fused)).first;
    return found->second.program ? &found->second : nullptr;
  }

  std::mutex mutex_;
  std::shared_ptr<HeldCalls> calls_;
  std::unordered_map<std::string, FusedProgram> programs_;
};

struct Holders {
  std::mutex mutex;
  std::vector<std::shared_ptr<Holder>> list;
  const pid_t process = getpid();
  // Never destroyed: threads may end late. A forked child begins anew: everything was pushed before
  // the fork, and the locks may be held by threads that it does not have.
  static Holders& get() {
    static std::atomic<Holders*> current{new Holders};
    Holders* holders = current.load(std::memory_order_acquire);
    if (holders->process != getpid()) {
      holders = new Holders;
      current.store(holders, std::memory_order_release);
    }
    return *holders;
  }
  std::vector<std::shared_ptr<Holder>> all() {
    std::lock_guard lock(mutex);
    return list;
  }
};

thread_local Holder* own_holder = nullptr;  // null: this thread never held a call back

struct ThisThread {
  std::shared_ptr<Holder> holder = std::make_shared<Holder>();
  ThisThread() {
    own_holder = holder.get();
    Holders& holders = Holders::get();
    std::lock_guard lock(holders.mutex);
    holders.list.push_back(holder);
  }
  ~ThisThread() {
    own_holder = nullptr;
    holder->push();
    Holders& holders = Holders::get();
    std::lock_guard lock(holders.mutex);
    std::erase(holders.list, holder);
  }
};

Holder& holder_of_thread() {
  thread_local ThisThread own;
  return *own.holder;
}

void push_all() {
  for (const std::shared_ptr<Holder>& holder : Holders::get().all()) holder->push();
}

void push_users(const Storage& storage) {
  for (const std::shared_ptr<Holder>& holder : Holders::get().all()) {
    if (!storage.held()) return;
    holder->push(&storage);
  }
}

bool has_regions(const NDArray& array) {
  return array.storage()->bare_tag().word.load(std::memory_order_relaxed) &
         engine::detail::split_bit;
}

DType compute_type_of(std::span<const NDArray> in, std::span<const NDArray> out) {
  DType type = DType::none;
  for (std::span<const NDArray> arrays : {in, out})
    for (const NDArray& array : arrays) type = pointwise::compute_type_with(type, array.dtype());
  return type;
}

}  // namespace

bool may_defer(const OpInfo& op, std::span<const NDArray> in, std::span<const NDArray> out,
               std::span<const Shape> shapes) {
  const Settings& now = settings::current();
  if (!now.defer || in.empty() || shapes[0].size() < now.defer_elements ||
      in.size() > HeldCalls::most_views / 2 || shapes.size() > HeldCalls::most_values / 2 ||
      engine::inside_task() ||
      (engine::detail::fast_path.modes.load(std::memory_order_relaxed) &
       engine::detail::mode_synchronous))
    return false;
  if (op.implementations.size() != 1 || !op.mutates.empty()) return false;
  for (size_t i = 1; i < shapes.size(); ++i)
    if (!(shapes[i] == shapes[0])) return false;
  for (const NDArray& array : in)
    if (has_regions(array)) return false;
  for (const NDArray& array : out) {
    if (!array) continue;
    if (!array.covers_storage() || has_regions(array)) return false;
  }
  return in[0].device() == Device{};
}

void defer_call(const OpInfo& op, const ParametersRef& parameters, std::span<const NDArray> in,
                std::span<const NDArray> out) {
  static const bool installed = [] {
    Storage::push_held = push_users;
    engine::set_push_held(push_all);
    return true;
  }();
  (void)installed;
  holder_of_thread().add({op, parameters, in, out, compute_type_of(in, out)});
}

void push_deferred() {
  if (own_holder) own_holder->push();
}

}  // namespace gemel::runtime
