// Where iterators find their text files, and the lines of a text.
#pragma once
#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

namespace gemel::data {

// A file, or the files of a folder in the order of their names; `who` names the iterator in the
// error about an empty folder.
std::vector<std::string> files_of(const std::string& where, const char* who);

// Calls f(line, its number from 1, its offset) for every line that is not empty once spaces and
// carriage returns are taken from its end.
template <typename F>
void for_each_line(std::string_view text, F&& f) {
  int64_t number = 0;
  for (size_t begin = 0, end = 0; begin < text.size(); begin = end + 1) {
    end = std::min(text.find('\n', begin), text.size());
    std::string_view line = text.substr(begin, end - begin);
    ++number;
    while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.remove_suffix(1);
    if (!line.empty()) f(line, number, begin);
  }
}

}  // namespace gemel::data
