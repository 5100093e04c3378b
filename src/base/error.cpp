#include "base/error.h"

namespace gemel {

void throw_error(ErrorKind kind, std::string message) { throw Error(kind, std::move(message)); }

}  // namespace gemel
