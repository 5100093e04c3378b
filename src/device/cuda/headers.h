// The headers that generated CUDA source includes, as text. NVRTC compiles at run time and sees no
// files; it is given these by name. The arithmetic of the primitives and the reducers is the
// CPU's own, from the same files.
#pragma once
#include <span>
#include <string_view>

#include "base/export.h"

namespace gemel::cuda {

struct Header {
  std::string_view name;  // as in #include
  std::string_view text;
};

GEMEL_EXPORT std::span<const Header> headers();

}  // namespace gemel::cuda
