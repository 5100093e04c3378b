// Text forms of parameter values, as MXNet 1.9.1 reads and writes them.
#include <fmt/format.h>

#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstdlib>

#include "op/parameters.h"

namespace gemel {
namespace {

constexpr std::string_view spaces = " \t\n\r\f\v";

std::string_view trim(std::string_view text) {
  const size_t first = text.find_first_not_of(spaces);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(spaces) - first + 1);
}

template <typename T>
bool read_integer(std::string_view text, T& value) {
  text = trim(text);
  if (text.starts_with('+') && text.size() > 1 && text[1] != '-') text.remove_prefix(1);
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() && !text.empty();
}

// Decimal numbers, inf and nan; a trailing "f" as in C is allowed.
template <typename T>
bool read_real(std::string_view view, T& value) {
  const std::string text(trim(view));
  if (text.empty() || text.find_first_of("xX") != std::string::npos) return false;
  char* end = nullptr;
  errno = 0;
  if constexpr (std::is_same_v<T, float>)
    value = std::strtof(text.c_str(), &end);
  else
    value = std::strtod(text.c_str(), &end);
  if (end == text.c_str()) return false;
  const bool overflow_or_lost = errno == ERANGE && (std::isinf(value) || value == 0);
  if (overflow_or_lost)
    fail(ErrorKind::Input, "expected a {} within its range, got '{}'", TypeText<T>::text, view);
  if (*end == 'f' || *end == 'F') ++end;
  return *end == '\0';
}

template <typename T>
[[noreturn]] void refuse(std::string_view text) {
  fail(ErrorKind::Input, "expected {}, got '{}'", TypeText<T>::text, text);
}

// Splits "(a, b)", "[a, b]", "(a,)" or a lone "a" into its items; false when the brackets are
// wrong.
bool split_tuple(std::string_view text, std::vector<std::string_view>& items) {
  text = trim(text);
  if (text.empty()) return false;
  const char open = text.front();
  if (open != '(' && open != '[') {
    if (text.find_first_of(",()[]") != std::string_view::npos) return false;
    items.push_back(text);
    return true;
  }
  if (text.size() < 2 || text.back() != (open == '(' ? ')' : ']')) return false;
  text = trim(text.substr(1, text.size() - 2));
  while (!text.empty()) {
    const size_t comma = text.find(',');
    const std::string_view item = trim(text.substr(0, comma));
    if (item.empty()) return false;
    items.push_back(item);
    if (comma == std::string_view::npos) break;
    text = trim(text.substr(comma + 1));  // nothing left after a trailing comma
  }
  return true;
}

bool read_axis(std::string_view item, int64_t& value) {
  if (item.size() > 1 && item.back() == 'L') item.remove_suffix(1);  // Python 2's long integers
  return read_integer(item, value);
}

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return result;
}

template <typename Items, typename Print>
std::string print_tuple(const Items& items, Print print) {
  std::string text = "(";
  for (size_t i = 0; i < items.size(); ++i) text += (i ? "," : "") + print(items[i]);
  return text + (items.size() == 1 ? ",)" : ")");
}

}  // namespace

bool is_none(std::string_view text) { return trim(text) == "None"; }

void parse_value(std::string_view text, bool& value) {
  const std::string word = lower(text);
  if (word == "true" || word == "1")
    value = true;
  else if (word == "false" || word == "0")
    value = false;
  else
    refuse<bool>(text);
}

void parse_value(std::string_view text, int& value) {
  if (!read_integer(text, value)) refuse<int>(text);
}

void parse_value(std::string_view text, int64_t& value) {
  if (!read_integer(text, value)) refuse<int64_t>(text);
}

void parse_value(std::string_view text, float& value) {
  if (!read_real(text, value)) refuse<float>(text);
}

void parse_value(std::string_view text, double& value) {
  if (!read_real(text, value)) refuse<double>(text);
}

void parse_value(std::string_view text, std::string& value) { value = text; }

void parse_value(std::string_view text, Shape& value) {
  if (is_none(text)) {
    value = Shape::unknown();
    return;
  }
  std::vector<std::string_view> items;
  if (!split_tuple(text, items)) refuse<Shape>(text);
  Shape shape;
  for (std::string_view item : items) {
    int64_t axis = -1;
    if (item != "None" && !read_axis(item, axis)) refuse<Shape>(text);
    shape.push_back(axis);
  }
  value = shape;
}

void parse_value(std::string_view text, std::vector<std::optional<int64_t>>& value) {
  std::vector<std::string_view> items;
  if (!split_tuple(text, items)) refuse<Shape>(text);
  value.clear();
  for (std::string_view item : items) {
    int64_t number = 0;
    if (item == "None")
      value.push_back(std::nullopt);
    else if (read_axis(item, number))
      value.push_back(number);
    else
      refuse<Shape>(text);
  }
}

void parse_value(std::string_view text, DType& value) {
  if (is_none(text))
    value = DType::none;
  else
    value = dtype_from_name(trim(text));
}

void parse_value(std::string_view text, std::vector<double>& value) {
  std::vector<std::string_view> items;
  if (!split_tuple(text, items)) refuse<std::vector<double>>(text);
  value.clear();
  for (std::string_view item : items) {
    double number = 0;
    if (!read_real(item, number)) refuse<std::vector<double>>(text);
    value.push_back(number);
  }
}

std::string print_value(bool value) { return value ? "True" : "False"; }
std::string print_value(int value) { return std::to_string(value); }
std::string print_value(int64_t value) { return std::to_string(value); }
std::string print_value(float value) { return fmt::format("{:.9g}", value); }
std::string print_value(double value) {
  // The shortest text that reads back to the same number, without a needless ".0".
  std::string text = fmt::format("{}", value);
  if (text.ends_with(".0")) text.resize(text.size() - 2);
  return text;
}
std::string print_value(const std::string& value) { return value; }
std::string print_value(const Shape& value) {
  if (value.ndim() < 0) return "None";
  return print_tuple(std::vector<int64_t>(value.begin(), value.end()),
                     [](int64_t axis) { return std::to_string(axis); });
}
std::string print_value(const std::vector<std::optional<int64_t>>& value) {
  return print_tuple(value, [](const auto& item) { return item ? std::to_string(*item) : "None"; });
}
std::string print_value(DType value) {
  return value == DType::none ? "None" : std::string(name_of(value));
}
std::string print_value(const std::vector<double>& value) {
  return print_tuple(value, [](double item) { return print_value(item); });
}

}  // namespace gemel
