// Recycler: keeps dead objects of one type for reuse, first per thread, then shared. For small
// objects that come and go with every call. Safe from any thread, also while the process exits.
//
//   T* object = Recycler<T>::take();          // nullptr: make a new one
//   Recycler<T>::give(object);                // the object must be ready for reuse
#pragma once
#include <array>
#include <memory>
#include <mutex>
#include <vector>

namespace gemel::memory {

template <typename T>
class Recycler {
 public:
  static T* take() {
    List* list = local();
    if (!list) return nullptr;
    if (list->count == 0 && !Shared::instance().fetch(*list)) return nullptr;
    return list->objects[--list->count];
  }

  static void give(T* object) {
    List* list = local();
    if (!list) {
      delete object;
      return;
    }
    if (list->count == limit) Shared::instance().store(*list, limit / 2);
    list->objects[list->count++] = object;
  }

 private:
  static constexpr int limit = 128;
  static constexpr size_t shared_limit = 4096;

  struct List {
    std::array<T*, limit> objects;
    int count = 0;
    List() { state_.list = this; }
    ~List() {
      state_.list = nullptr;
      state_.ended = true;
      Shared::instance().store(*this, count);
    }
  };

  struct Shared {
    std::mutex mutex;
    std::vector<T*> objects;

    static Shared& instance() {
      static Shared* const shared = new Shared;  // never destroyed
      return *shared;
    }
    bool fetch(List& list) {
      std::lock_guard lock(mutex);
      while (!objects.empty() && list.count < limit / 2) {
        list.objects[list.count++] = objects.back();
        objects.pop_back();
      }
      return list.count > 0;
    }
    void store(List& list, int count) {
      std::array<T*, limit> surplus;
      int dropped = 0;
      {
        std::lock_guard lock(mutex);
        for (; count > 0; --count) {
          T* object = list.objects[--list.count];
          if (objects.size() < shared_limit)
            objects.push_back(object);
          else
            surplus[dropped++] = object;
        }
      }
      while (dropped > 0)
        delete surplus[--dropped];  // outside the lock: a destructor may come back here
    }
  };

  static List* local() {
    if (state_.list) return state_.list;
    if (state_.ended) return nullptr;
    return make_list();
  }
  __attribute__((noinline, cold)) static List* make_list() {
    // On the heap: the thread's static block, which initial-exec variables share, is small.
    thread_local const std::unique_ptr<List> list = std::make_unique<List>();
    return state_.list;
  }

  struct State {
    List* list;
    bool ended;
  };
  // Trivial and at a fixed place of the thread's block: reaching it is one instruction.
  __attribute__((tls_model("initial-exec"))) static constinit inline thread_local State state_{};
};

}  // namespace gemel::memory
