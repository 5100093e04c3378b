#include "base/byte_count.h"

#include <cctype>
#include <charconv>
#include <cmath>

#include "base/error.h"

namespace gemel {

int64_t parse_bytes(std::string_view text) {
  const auto refuse = [&] {
    fail(ErrorKind::Input, "[memory] expected an amount such as '1GB' or '512MiB', got '{}'", text);
  };
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || !(number >= 0)) refuse();
  std::string unit;
  for (const char* c = end; c != text.data() + text.size(); ++c)
    if (*c != ' ') unit += static_cast<char>(std::toupper(static_cast<unsigned char>(*c)));
  if (unit.ends_with('B')) unit.pop_back();
  double thousand = 1000;
  if (unit.ends_with('I')) {
    if (unit.size() != 2) refuse();
    unit.pop_back();
    thousand = 1024;
  }
  constexpr std::string_view units = "KMGT";
  if (!unit.empty()) {
    const size_t place = unit.size() == 1 ? units.find(unit[0]) : std::string_view::npos;
    if (place == std::string_view::npos) refuse();
    number *= std::pow(thousand, static_cast<double>(place) + 1);
  }
  if (!(number < 0x1p62)) refuse();
  return static_cast<int64_t>(number);
}

std::string print_bytes(int64_t bytes) {
  constexpr const char* units[] = {"bytes", "KB", "MB", "GB", "TB"};
  double number = static_cast<double>(bytes);
  size_t unit = 0;
  while (number >= 1000 && unit + 1 < std::size(units)) {
    number /= 1000;
    ++unit;
  }
  if (unit == 0) return fmt::format("{} bytes", bytes);
  return fmt::format("{:.{}f} {}", number, number < 10 ? 2 : 1, units[unit]);
}

}  // namespace gemel
