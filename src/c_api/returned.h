// What a call hands out by address lives here until the thread's next call that hands out
// something.
#pragma once
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace gemel::c_api {

class Returned {
 public:
  // The calling thread's, emptied.
  static Returned& fresh();

  // The same bytes, kept.
  const char* text(std::string value) { return keep(std::move(value)).c_str(); }
  const char** texts(std::vector<std::string> values);
  template <typename T>
  T* numbers(std::vector<T> values) {
    return keep(std::move(values)).data();
  }

 private:
  template <typename T>
  T& keep(T value) {
    auto held = std::make_shared<T>(std::move(value));
    T& reference = *held;
    kept_.push_back(std::move(held));
    return reference;
  }
  std::vector<std::shared_ptr<void>> kept_;
};

}  // namespace gemel::c_api
