// What every function of the C ABI does: run its body, turn exceptions into -1 and a message.
//
//   int MXNDArrayWaitToRead(NDArrayHandle handle) {
//     return call(__func__, [&] { array_of(handle).wait_to_read(); });
//   }
#pragma once
#include <exception>
#include <string>
#include <string_view>

#include "base/error.h"

namespace gemel::c_api {

// The function that this thread is in, for messages.
extern thread_local const char* current_function;

void set_last_error(std::string_view message);
const char* last_error();
// The error of a function whose part does not exist yet.
int not_available(const char* function);
// Notes the exception being handled as this thread's last error; returns -1.
int report() noexcept;

template <typename Body>
int call(const char* function, Body&& body) noexcept {
  const char* outer = current_function;
  current_function = function;
  int result = 0;
  try {
    body();
  } catch (...) {
    result = report();
  }
  current_function = outer;
  return result;
}

// A pointer that the caller must give.
template <typename T>
T* given(T* pointer, const char* what) {
  GEMEL_CHECK(pointer != nullptr, "[{}] expected an address for {}, got null", current_function,
              what);
  return pointer;
}

}  // namespace gemel::c_api
