#include "runtime/grad_request.h"

#include "base/error.h"

namespace gemel {

GradRequest grad_request_from_name(std::string_view name) {
  if (name == "write") return GradRequest::write;
  if (name == "add") return GradRequest::add;
  if (name == "null") return GradRequest::null;
  fail(ErrorKind::Input, "expected a gradient request of 'write', 'add' or 'null', got '{}'", name);
}

std::string_view name_of(GradRequest request) {
  switch (request) {
    case GradRequest::write:
      return "write";
    case GradRequest::add:
      return "add";
    case GradRequest::null:
      break;
  }
  return "null";
}

}  // namespace gemel
