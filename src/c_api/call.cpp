#include "c_api/call.h"

#include "gemel/c_api.h"

namespace gemel::c_api {
namespace {

std::string& error_text() {
  static thread_local std::string text;
  return text;
}

}  // namespace

thread_local const char* current_function = "";

void set_last_error(std::string_view message) { error_text() = message; }

const char* last_error() { return error_text().c_str(); }

int not_available(const char* function) {
  return call(function, [&] {
    fail(ErrorKind::Input, "[{}] is not available in this version of Gemel", function);
  });
}

int report() noexcept {
  try {
    try {
      throw;
    } catch (const std::exception& error) {
      set_last_error(error.what());
    } catch (...) {
      set_last_error(fmt::format("[{}] an unknown exception", current_function));
    }
  } catch (...) {  // no memory for the message
  }
  return -1;
}

}  // namespace gemel::c_api

const char* MXGetLastError() { return gemel::c_api::last_error(); }

const char* NNGetLastError() { return gemel::c_api::last_error(); }

void NNAPISetLastError(const char* msg) { gemel::c_api::set_last_error(msg ? msg : ""); }
