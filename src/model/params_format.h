// The numbers in `.params` files, for the writer and the reader.
#pragma once
#include <cstdint>

namespace gemel::params {

inline constexpr uint64_t list_magic = 0x112;
inline constexpr uint32_t version_1 = 0xF993FAC8;  // a shape of 64-bit axes
inline constexpr uint32_t version_2 = 0xF993FAC9;  // and a storage type
inline constexpr uint32_t version_3 = 0xF993FACA;  // a shape without axes is a scalar
// Anything else in this place is the number of axes of the oldest form, which has 32-bit axes.

}  // namespace gemel::params
