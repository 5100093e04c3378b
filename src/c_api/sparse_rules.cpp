#include "c_api/sparse_rules.h"

#include <algorithm>
#include <cstdlib>
#include <limits>
#include <vector>

namespace gemel::c_api {
namespace {

constexpr std::string_view always[] = {
    "abs",         "negative",    "sign",      "sqrt",    "square", "relu",      "sin",
    "tan",         "arcsin",      "arctan",    "sinh",    "tanh",   "arcsinh",   "arctanh",
    "expm1",       "log1p",       "cbrt",      "floor",   "ceil",   "trunc",     "rint",
    "round",       "fix",         "degrees",   "radians", "_copy",  "BlockGrad", "_copyto",
    "_mul_scalar", "_div_scalar", "zeros_like"};

struct ByScalar {
  std::string_view name;
  bool (*keeps)(double scalar);
};
constexpr ByScalar by_scalar[] = {
    {"_plus_scalar", [](double s) { return s == 0; }},
    {"_minus_scalar", [](double s) { return s == 0; }},
    {"_greater_scalar", [](double s) { return s >= 0; }},
    {"_greater_equal_scalar", [](double s) { return s > 0; }},
    {"_lesser_scalar", [](double s) { return s <= 0; }},
    {"_lesser_equal_scalar", [](double s) { return s < 0; }},
    {"_equal_scalar", [](double s) { return s < 0 || s > 0; }},
    {"_not_equal_scalar", [](double s) { return s == 0; }},
};

// Not a number where the attribute is missing or none.
double number(const Attributes& attributes, const char* name) {
  const auto found = attributes.find(name);
  if (found == attributes.end()) return std::numeric_limits<double>::quiet_NaN();
  char* end = nullptr;
  const double value = std::strtod(found->second.c_str(), &end);
  return end == found->second.c_str() ? std::numeric_limits<double>::quiet_NaN() : value;
}

}  // namespace

std::span<const std::string_view> zero_keeping_operators() {
  static const std::vector<std::string_view> names = [] {
    std::vector<std::string_view> all(std::begin(always), std::end(always));
    for (const ByScalar& one : by_scalar) all.push_back(one.name);
    all.push_back("clip");
    return all;
  }();
  return names;
}

bool keeps_zeros(std::string_view op, const Attributes& attributes) {
  if (std::find(std::begin(always), std::end(always), op) != std::end(always)) return true;
  if (op == "clip") return number(attributes, "a_min") <= 0 && number(attributes, "a_max") >= 0;
  const auto found = std::find_if(std::begin(by_scalar), std::end(by_scalar),
                                  [&](const ByScalar& one) { return one.name == op; });
  return found != std::end(by_scalar) && found->keeps(number(attributes, "scalar"));
}

}  // namespace gemel::c_api
