// Function: a move-only `void()` callable that keeps closures of up to 48 bytes inside itself.
#pragma once
#include <cstddef>
#include <new>
#include <type_traits>
#include <utility>

namespace gemel::engine {

class Function {
 public:
  Function() = default;
  template <typename F>
  requires(!std::is_same_v<std::remove_cvref_t<F>, Function>) Function(F&& f) {
    using Body = std::decay_t<F>;
    if constexpr (fits<Body>) {
      new (buffer_) Body(std::forward<F>(f));
      operations_ = &inside<Body>;
    } else {
      *reinterpret_cast<Body**>(buffer_) = new Body(std::forward<F>(f));
      operations_ = &outside<Body>;
    }
  }
  Function(Function&& other) noexcept { take(other); }
  Function& operator=(Function&& other) noexcept {
    if (this != &other) {
      reset();
      take(other);
    }
    return *this;
  }
  ~Function() { reset(); }

  void operator()() { operations_->call(buffer_); }
  explicit operator bool() const { return operations_ != nullptr; }
  void reset() {
    if (const Operations* operations = std::exchange(operations_, nullptr)) {
      if (operations->destroy) operations->destroy(buffer_);
    }
  }

 private:
  static constexpr size_t capacity = 48;
  struct Operations {
    void (*call)(void*);
    void (*relocate)(void* from, void* to);
    void (*destroy)(void*);  // null: nothing to do
  };
  template <typename Body>
  static constexpr bool fits =
      sizeof(Body) <= capacity &&
      alignof(Body) <= alignof(std::max_align_t) && std::is_nothrow_move_constructible_v<Body>;

  template <typename Body>
  static constexpr Operations inside = {
      [](void* p) { (*static_cast<Body*>(p))(); },
      [](void* from, void* to) {
        new (to) Body(std::move(*static_cast<Body*>(from)));
        static_cast<Body*>(from)->~Body();
      },
      std::is_trivially_destructible_v<Body>
          ? static_cast<void (*)(void*)>(nullptr)
          : static_cast<void (*)(void*)>([](void* p) { static_cast<Body*>(p)->~Body(); })};

  template <typename Body>
  static constexpr Operations outside = {
      [](void* p) { (**static_cast<Body**>(p))(); },
      [](void* from, void* to) { *static_cast<Body**>(to) = *static_cast<Body**>(from); },
      [](void* p) { delete *static_cast<Body**>(p); }};

  void take(Function& other) {
    operations_ = std::exchange(other.operations_, nullptr);
    if (operations_) operations_->relocate(other.buffer_, buffer_);
  }

  alignas(std::max_align_t) std::byte buffer_[capacity];
  const Operations* operations_ = nullptr;
};

}  // namespace gemel::engine
