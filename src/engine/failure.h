// Failure: one error raised by one task, shared by every tag that it poisoned.
#pragma once
#include <exception>

#include "base/intrusive.h"

namespace gemel::engine::detail {

struct Failure : Counted<Failure> {
  explicit Failure(std::exception_ptr e) : error(std::move(e)) {}
  std::exception_ptr error;
  bool reported = false;  // under the scheduler's lock: some wait has thrown it
};

}  // namespace gemel::engine::detail
