// Amounts of memory as people write them.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "base/export.h"

namespace gemel {

// "1GB", "512 MiB", "1.5e9", "300k": B, KB, MB, GB and TB count in thousands, KiB to TiB in 1024.
// Throws Error(Input) for anything else, negative amounts among them.
GEMEL_EXPORT int64_t parse_bytes(std::string_view text);
// "812.4 MB": in thousands, three digits or more.
GEMEL_EXPORT std::string print_bytes(int64_t bytes);

}  // namespace gemel
