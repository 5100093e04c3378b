// Element types. The numbers are MXNet's type flags, as written in files and passed over the C ABI.
#pragma once
#include <bit>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <type_traits>

#include "base/error.h"
#include "base/export.h"

namespace gemel {

enum class DType : int8_t {
  none = -1,  // not known yet
  float32 = 0,
  float64 = 1,
  float16 = 2,
  uint8 = 3,
  int32 = 4,
  int8 = 5,
  int64 = 6,
  boolean = 7,
  int16 = 8,
  uint16 = 9,
  uint32 = 10,
  uint64 = 11,
  bfloat16 = 12,
};

// 16-bit floats are storage only: arithmetic happens in float. Conversions round to nearest even.
struct float16 {
  uint16_t bits;
  float16() = default;
  explicit float16(float value);
  operator float() const;
};
struct bfloat16 {
  uint16_t bits;
  bfloat16() = default;
  explicit bfloat16(float value) {
    uint32_t u = std::bit_cast<uint32_t>(value);
    bits = (u & 0x7fffffffu) > 0x7f800000u ? uint16_t((u >> 16) | 0x40u)
                                           : uint16_t((u + 0x7fffu + ((u >> 16) & 1u)) >> 16);
  }
  operator float() const { return std::bit_cast<float>(uint32_t(bits) << 16); }
};

inline float16::float16(float value) {
  bits = std::bit_cast<uint16_t>(static_cast<_Float16>(value));
}
inline float16::operator float() const { return static_cast<float>(std::bit_cast<_Float16>(bits)); }

// Bytes of one element.
inline int64_t size_of(DType dtype) {
  constexpr int8_t sizes[] = {4, 8, 2, 1, 4, 1, 8, 1, 2, 2, 4, 8, 2};
  return dtype == DType::none ? 0 : sizes[static_cast<int>(dtype)];
}
inline bool is_floating(DType dtype) {
  return dtype == DType::float32 || dtype == DType::float64 || dtype == DType::float16 ||
         dtype == DType::bfloat16;
}
inline bool is_half(DType dtype) { return dtype == DType::float16 || dtype == DType::bfloat16; }

GEMEL_EXPORT std::string_view name_of(DType dtype);         // "float32", "bool", ...
GEMEL_EXPORT DType dtype_from_name(std::string_view name);  // throws Error(Type)
GEMEL_EXPORT bool is_valid_dtype_flag(int32_t flag);

template <typename T>
struct Type {
  using type = T;
};

// Calls f(Type<T>{}) with the C++ type of `dtype`.
template <typename F>
decltype(auto) dispatch(DType dtype, F&& f) {
  switch (dtype) {
    case DType::float32:
      return f(Type<float>{});
    case DType::float64:
      return f(Type<double>{});
    case DType::float16:
      return f(Type<float16>{});
    case DType::bfloat16:
      return f(Type<bfloat16>{});
    case DType::uint8:
      return f(Type<uint8_t>{});
    case DType::int8:
      return f(Type<int8_t>{});
    case DType::int16:
      return f(Type<int16_t>{});
    case DType::uint16:
      return f(Type<uint16_t>{});
    case DType::int32:
      return f(Type<int32_t>{});
    case DType::uint32:
      return f(Type<uint32_t>{});
    case DType::int64:
      return f(Type<int64_t>{});
    case DType::uint64:
      return f(Type<uint64_t>{});
    case DType::boolean:
      return f(Type<bool>{});
    case DType::none:
      break;
  }
  fail(ErrorKind::Type, "element type is not known");
}

// Calls f(Type<T>{}) for the floating types only; `who` names the operator in the error.
template <typename F>
decltype(auto) dispatch_floating(DType dtype, std::string_view who, F&& f) {
  switch (dtype) {
    case DType::float32:
      return f(Type<float>{});
    case DType::float64:
      return f(Type<double>{});
    case DType::float16:
      return f(Type<float16>{});
    case DType::bfloat16:
      return f(Type<bfloat16>{});
    default:
      break;
  }
  fail(ErrorKind::Type, "[{}] expected a floating-point dtype, got {}", who, name_of(dtype));
}

// The type in which values of T are computed and summed: float for halves, else T (int64 for sums
// of integers is the caller's choice).
template <typename T>
using compute_type =
    std::conditional_t<std::is_same_v<T, float16> || std::is_same_v<T, bfloat16>, float, T>;

}  // namespace gemel
