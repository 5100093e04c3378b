#include "data/files.h"

#include <algorithm>
#include <filesystem>

#include "base/io.h"
#include "base/remote.h"

namespace gemel::data {

std::vector<std::string> files_of(const std::string& where, const char* who) {
  if (is_remote(where)) return {where};
  const std::filesystem::path path = local_path(where);
  if (!std::filesystem::is_directory(path)) return {path.string()};
  std::vector<std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator(path))
    if (entry.is_regular_file()) files.push_back(entry.path().string());
  std::sort(files.begin(), files.end());
  GEMEL_CHECK(!files.empty(), "[{}] expected a file or a folder with files, got {}", who, where);
  return files;
}

}  // namespace gemel::data
