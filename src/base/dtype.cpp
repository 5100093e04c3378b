#include "base/dtype.h"

#include <fmt/ranges.h>

namespace gemel {
namespace {
constexpr std::string_view names[] = {"float32", "float64", "float16", "uint8", "int32",
                                      "int8",    "int64",   "bool",    "int16", "uint16",
                                      "uint32",  "uint64",  "bfloat16"};
}

std::string_view name_of(DType dtype) {
  return dtype == DType::none ? std::string_view("none") : names[static_cast<int>(dtype)];
}

DType dtype_from_name(std::string_view name) {
  for (int i = 0; i < int(std::size(names)); ++i)
    if (names[i] == name) return static_cast<DType>(i);
  fail(ErrorKind::Type, "unknown dtype '{}', expected one of {}", name, fmt::join(names, ", "));
}

bool is_valid_dtype_flag(int32_t flag) { return flag >= 0 && flag <= 12; }

}  // namespace gemel
