// Where iterators find their text files.
#pragma once
#include <string>
#include <vector>

namespace gemel::data {

// A file, or the files of a folder in the order of their names; `who` names the iterator in the
// error about an empty folder.
std::vector<std::string> files_of(const std::string& where, const char* who);

}  // namespace gemel::data
