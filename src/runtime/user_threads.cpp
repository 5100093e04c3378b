#include "runtime/user_threads.h"

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include <unistd.h>

namespace gemel::runtime {
namespace {

class Crew {
 public:
  void run(std::function<void()> work) {
    std::unique_lock lock(mutex_);
    if (process_ != getpid()) {  // the threads did not follow a fork
      process_ = getpid();
      idle_ = 0;
      queue_.clear();
    }
    queue_.push_back(std::move(work));
    if (static_cast<size_t>(idle_) >= queue_.size())
      wake_.notify_one();
    else
      std::thread([this] { serve(); }).detach();
  }

 private:
  void serve() {
    std::unique_lock lock(mutex_);
    while (true) {
      while (!queue_.empty()) {
        std::function<void()> work = std::move(queue_.front());
        queue_.pop_front();
        lock.unlock();
        work();
        work = nullptr;
        lock.lock();
      }
      ++idle_;
      wake_.wait(lock, [this] { return !queue_.empty(); });
      --idle_;
    }
  }

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> queue_;
  int idle_ = 0;
  pid_t process_ = getpid();
};

// Never destroyed: its threads outlive static objects.
Crew& crew() {
  static Crew* instance = new Crew;
  return *instance;
}

}  // namespace

void push_user_work(std::function<void()> work, const engine::TaskOptions& options) {
  if (engine::configuration().kind == "naive") return engine::push(std::move(work), options);
  engine::push_async(
      [work = std::move(work)](engine::Completion done) {
        crew().run([work, done = std::move(done)] {
          std::exception_ptr error;
          try {
            work();
          } catch (...) {
            error = std::current_exception();
          }
          done(error);
        });
      },
      options);
}

}  // namespace gemel::runtime
