// What autograd recorded about an array; opaque below runtime/. Travels with copies of the handle,
// not with views made from it.
#pragma once
#include "base/export.h"
#include "base/intrusive.h"

namespace gemel {

struct GEMEL_EXPORT History : Counted<History> {
  virtual ~History() = default;
};

}  // namespace gemel
