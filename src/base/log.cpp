#include "base/log.h"

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <iterator>
#include <string>

namespace gemel::log {
namespace {
constexpr std::string_view names[] = {"debug", "info", "warning", "error", "off"};

Level initial_level() {
  const char* text = std::getenv("GEMEL_LOG");
  if (!text || !*text) return Level::warning;
  if (const auto level = level_from_name(text)) return *level;
  write(Level::warning,
        fmt::format("GEMEL_LOG: expected debug, info, warning, error or off, got '{}'", text));
  return Level::warning;
}

std::atomic<Level>& current() {
  static std::atomic<Level> level{initial_level()};
  return level;
}
}  // namespace

Level level() { return current().load(std::memory_order_relaxed); }
void set_level(Level level) { current().store(level, std::memory_order_relaxed); }

std::optional<Level> level_from_name(std::string_view name) {
  for (size_t i = 0; i < std::size(names); ++i)
    if (names[i] == name) return static_cast<Level>(i);
  return std::nullopt;
}

void write(Level level, std::string_view text) {
  const std::string line = fmt::format("gemel {}: {}\n", names[static_cast<size_t>(level)], text);
  std::fwrite(line.data(), 1, line.size(), stderr);
}

}  // namespace gemel::log
