// Files on other machines, for Reader: the folder that can fetch them says how.
#pragma once
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/export.h"

namespace gemel {

// Whether a path begins with http://, https:// or s3://.
GEMEL_EXPORT bool is_remote(std::string_view path);

// The content of a remote file; throws Error.
using FetchRemote = std::vector<std::byte> (*)(const std::string& path);
void set_remote_files(FetchRemote fetch);

}  // namespace gemel
