// Names that look like a misspelt one, for error messages.
#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace gemel {

// Up to `limit` candidates within a few edits of `name` (letter case does not count), best first.
std::vector<std::string> close_names(std::string_view name,
                                     const std::vector<std::string>& candidates, size_t limit = 3);

// ", did you mean 'a' or 'b'?", or "." when nothing is close: the end of an error's sentence.
std::string did_you_mean(std::string_view name, const std::vector<std::string>& candidates);

}  // namespace gemel
