// SHA-256 (FIPS 180-4) and HMAC (RFC 2104) over it, for signatures of requests.
#pragma once
#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace gemel::data {

using Digest = std::array<uint8_t, 32>;

Digest sha256(std::string_view bytes);
Digest hmac_sha256(std::string_view key, std::string_view bytes);
std::string hexadecimal(const Digest& digest);
inline std::string_view bytes_of(const Digest& digest) {
  return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

}  // namespace gemel::data
