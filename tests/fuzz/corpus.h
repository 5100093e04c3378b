// The small files from which mutations start.
#pragma once
#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "base/io.h"

namespace gemel::fuzz {

// The files of a folder in the order of their names.
inline std::vector<std::string> read_corpus(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> paths;
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    if (entry.is_regular_file()) paths.push_back(entry.path());
  std::sort(paths.begin(), paths.end());
  std::vector<std::string> contents;
  for (const auto& path : paths) contents.push_back(read_file(path.string()));
  GEMEL_CHECK(!contents.empty(), "{}: expected files", folder.string());
  return contents;
}

}  // namespace gemel::fuzz
