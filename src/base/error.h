// The error policy, written down once:
//   input error        bad argument, shape, dtype, file content -> Error, kind Input (or a narrower
//                      kind), text "[operator] what, expected, got, what to do"
//   environment error  file, disk, network, device              -> Error, kind Environment
//   cancelled          work that was given up on request         -> Error, kind Cancelled
//   broken invariant   a bug in Gemel                            -> Error, kind Internal
// Nothing aborts. An error raised in a task travels with the values it should have written
// (see engine/engine.h) and is raised again in every reader.
#pragma once
#include <fmt/format.h>

#include <stdexcept>
#include <string>
#include <utility>

#include "base/export.h"

namespace gemel {

enum class ErrorKind { Input, Type, Index, Key, Environment, Memory, Cancelled, Internal };

class GEMEL_EXPORT Error : public std::runtime_error {
 public:
  Error(ErrorKind kind, std::string message)
      : std::runtime_error(std::move(message)), kind_(kind) {}
  ErrorKind kind() const { return kind_; }

 private:
  ErrorKind kind_;
};

// Out of line so that a check costs its caller one compare and one cold call.
[[noreturn]] GEMEL_EXPORT void throw_error(ErrorKind kind, std::string message);

template <typename... Args>
[[noreturn]] __attribute__((noinline, cold)) void fail(ErrorKind kind,
                                                       fmt::format_string<Args...> text,
                                                       Args&&... args) {
  throw_error(kind, fmt::format(text, std::forward<Args>(args)...));
}

}  // namespace gemel

// Input error unless `condition`; the rest is a fmt format string and its arguments.
#define GEMEL_CHECK(condition, ...)                                                               \
  do {                                                                                            \
    if (__builtin_expect(!(condition), 0)) ::gemel::fail(::gemel::ErrorKind::Input, __VA_ARGS__); \
  } while (0)

// Internal error unless `condition`: states what the code itself must guarantee.
#define GEMEL_ASSERT(condition)                                                            \
  do {                                                                                     \
    if (__builtin_expect(!(condition), 0))                                                 \
      ::gemel::fail(::gemel::ErrorKind::Internal, "{}:{}: broken invariant: {}", __FILE__, \
                    __LINE__, #condition);                                                 \
  } while (0)
