// Counts of equal blocks, the last of which may be filled in part.
#pragma once
#include <cstdint>

namespace gemel::kernels {

constexpr int64_t blocks_of(int64_t count, int64_t each) { return (count + each - 1) / each; }
// The least multiple of `unit` that is no less than `count`.
constexpr int64_t rounded(int64_t count, int64_t unit) { return blocks_of(count, unit) * unit; }

}  // namespace gemel::kernels
