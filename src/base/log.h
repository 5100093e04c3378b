// Lines for the user on standard error, one write each: "gemel warning: ...". The level comes from
// GEMEL_LOG (debug, info, warning, error, off; default warning). Any thread may call.
#pragma once
#include <fmt/format.h>

#include <optional>
#include <string_view>
#include <utility>

#include "base/export.h"

namespace gemel::log {

enum class Level { debug, info, warning, error, off };

GEMEL_EXPORT Level level();
GEMEL_EXPORT void set_level(Level level);
GEMEL_EXPORT std::optional<Level> level_from_name(std::string_view name);
// Writes the line whatever the level is; ends it.
GEMEL_EXPORT void write(Level level, std::string_view text);

template <typename... Args>
void line(Level at, fmt::format_string<Args...> text, Args&&... args) {
  if (at >= level()) write(at, fmt::format(text, std::forward<Args>(args)...));
}
template <typename... Args>
void debug(fmt::format_string<Args...> text, Args&&... args) {
  line(Level::debug, text, std::forward<Args>(args)...);
}
template <typename... Args>
void info(fmt::format_string<Args...> text, Args&&... args) {
  line(Level::info, text, std::forward<Args>(args)...);
}
template <typename... Args>
void warning(fmt::format_string<Args...> text, Args&&... args) {
  line(Level::warning, text, std::forward<Args>(args)...);
}
template <typename... Args>
void error(fmt::format_string<Args...> text, Args&&... args) {
  line(Level::error, text, std::forward<Args>(args)...);
}

}  // namespace gemel::log
